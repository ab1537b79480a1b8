import io
import json

from bridge.doctor.findings import note, ok, wrong
from bridge.doctor.report import Report


class Terminal(io.StringIO):
    def isatty(self):
        return True


def written(*findings, output=None, as_json=False):
    output = output or io.StringIO()
    report = Report(output, as_json=as_json)
    report.add(findings)
    report.end()
    return report.is_fine, output.getvalue()


def test_lines_with_what_to_do_below_them():
    fine, text = written(ok("clock", "is right"), wrong("broker", "is away", "start it"), note("demo", "has none"))
    assert not fine
    assert text.splitlines() == [
        "ok    clock           is right",
        "wrong broker          is away",
        "                      -> start it",
        "note  demo            has none",
        "",
        "1 wrong, 1 to note, 1 ok.",
    ]


def test_what_is_to_note_is_not_wrong():
    assert written(ok("a", "b"), note("c", "d")) == (
        True,
        "ok    a               b\nnote  c               d\n\nNothing is wrong, 1 to note.\n",
    )
    assert written(ok("a", "b"))[1].endswith("\nNothing is wrong.\n")


def test_colours_at_a_terminal_unless_they_are_not_wanted(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert written(wrong("a", "b"), output=Terminal())[1].startswith("\x1b[31mwrong\x1b[0m a")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in written(wrong("a", "b"), output=Terminal())[1]


def test_json_for_machines():
    fine, text = written(wrong("a", "b", "c"), as_json=True)
    assert not fine
    expected = {"what": "a", "verdict": "wrong", "said": "b", "remedy": "c"}
    assert json.loads(text) == {"ok": False, "findings": [expected]}
