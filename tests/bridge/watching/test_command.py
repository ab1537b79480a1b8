from __future__ import annotations

import os
import pty
import select
import subprocess
import sys

import pytest

from bridge.cli import main
from bridge.watching import command


class Terminal:
    def isatty(self):
        return True


def at_a_terminal(monkeypatch, name="xterm-256color"):
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", name)


def test_watch_without_a_terminal_is_one_sentence(capsys):
    assert main(["watch"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "watch needs a terminal" in said
    assert "ocpp-twin trace" in said


@pytest.mark.parametrize("name", ["dumb", "", "vt100", "unknown"])
def test_a_terminal_without_colours_is_none(monkeypatch, name):
    at_a_terminal(monkeypatch, name)
    assert "watch needs a terminal with colours" in command._no_terminal()


@pytest.mark.parametrize("name", ["xterm-256color", "xterm", "linux", "of-the-future"])
def test_terminals_with_colours_are_fine(monkeypatch, name):
    at_a_terminal(monkeypatch, name)
    assert command._no_terminal() is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "localhost"], "'localhost' is no broker"),
        (["--base-topic", "a/#"], "--base-topic 'a/#' is no root of topics"),
        (["--base-topic", "/"], "--base-topic '/' is no root of topics"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_wrong_arguments_are_said(monkeypatch, capsys, arguments, said):
    at_a_terminal(monkeypatch)
    assert main(["watch", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_trace_without_a_broker_or_with_a_wrong_address_ends(capsys):
    assert main(["trace", "garage", "--url", "mqtt://127.0.0.1:1"]) == 1
    assert "nothing listens at 127.0.0.1:1" in capsys.readouterr().err
    assert main(["trace", "garage", "--url", "nonsense"]) == 2
    assert "'nonsense' is no broker" in capsys.readouterr().err


def test_the_help_names_the_options(capsys):
    with pytest.raises(SystemExit):
        main(["trace", "--help"])
    said = capsys.readouterr().out
    for word in ("--raw", "--json", "--pretty", "--node", "--count", "--timeout", "--base-topic", "--url", "--config"):
        assert word in said, word


def test_nothing_heavy_is_loaded_for_other_commands():
    script = "import sys; from bridge.cli import main; main(['version']); print({'textual', 'rich'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert found.stdout.splitlines()[-1] == "set()"


def read_until(terminal, *wanted):
    """Read what a program draws until all of this has been drawn."""
    seen = b""
    while not all(words in seen for words in wanted):
        ready, _, _ = select.select([terminal], [], [], 20)
        assert ready, f"{wanted!r} is not in {seen[-2_000:]!r}"
        seen += os.read(terminal, 65_536)


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_the_terminal_is_left_as_it_was_found(key):
    keeper, screen = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color"}
    program = [sys.executable, "-m", "bridge", "watch", "--url", "mqtt://127.0.0.1:1"]
    with subprocess.Popen(program, stdin=screen, stdout=screen, stderr=screen, env=environment) as watch:
        try:
            read_until(keeper, b"Trying again.")
            os.write(keeper, key)
            # Back from the screen of its own, and the cursor can be seen.
            read_until(keeper, b"\x1b[?1049l", b"\x1b[?25h")
            assert watch.wait(20) == 0
        finally:
            watch.kill()
    os.close(keeper)
    os.close(screen)
