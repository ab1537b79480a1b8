from __future__ import annotations

import os
import subprocess
import sys

import pytest
from fakes.free import free_port

from bridge import cli
from bridge.monitoring import inquiry


@pytest.fixture(autouse=True)
def asked(tmp_path, monkeypatch):
    """What would be asked, in an empty working folder without settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OCPP_TWIN__")]:
        monkeypatch.delenv(name)
    found = []

    def ask(url, path):
        found.append((url, path))
        return "sick" not in url, "a sentence"

    monkeypatch.setattr(inquiry, "ask", ask)
    return found


@pytest.mark.parametrize(
    ("arguments", "path"), [((), "/healthz"), (("--live",), "/healthz"), (("--ready",), "/readyz")]
)
def test_what_is_asked(asked, capsys, arguments, path):
    assert cli.main(["health", "--url", "http://x:1", *arguments]) == 0
    assert asked == [("http://x:1", path)]
    assert capsys.readouterr().out == "a sentence\n"


def test_the_exit_code_tells():
    assert cli.main(["health", "--url", "http://sick:1"]) == 1


def test_the_address_is_that_of_the_configuration(asked, tmp_path, monkeypatch):
    # The rest of it may be wrong, or about things that this machine has not.
    (tmp_path / "ocpp-twin.yaml").write_text(
        "http: {enabled: true, host: '::', port: 9999}\nmqtt: {ca_file: /nowhere}\n"
    )
    assert cli.main(["health"]) == 0
    monkeypatch.setenv("OCPP_TWIN__HTTP__PORT", "8888")
    monkeypatch.setenv("OCPP_TWIN__HTTP__HOST", "0.0.0.0")
    assert cli.main(["health", "--ready"]) == 0
    assert asked == [("http://[::1]:9999", "/healthz"), ("http://127.0.0.1:8888", "/readyz")]


def test_http_that_is_off_is_told(asked, capsys):
    assert cli.main(["health"]) == 2
    told = capsys.readouterr().err
    assert "set http.enabled to true, or say where one does" in told
    assert "--url http://127.0.0.1:9580" in told
    assert asked == []


def test_a_wrong_configuration_is_told(asked, capsys, tmp_path):
    (tmp_path / "wrong.yaml").write_text("http: {enabled: true, port: 0}\n")
    assert cli.main(["health", "--config", "wrong.yaml"]) == 2
    assert "wrong.yaml: http.port" in capsys.readouterr().err
    assert asked == []


def test_live_and_ready_exclude_each_other(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["health", "--live", "--ready"])
    assert caught.value.code == 2


def test_with_an_address_it_is_quick_because_it_loads_little():
    script = (
        "import sys; from bridge.cli import main; "
        f"main(['health', '--url', 'http://127.0.0.1:{free_port()}']); "
        "print(sorted({'pydantic', 'yaml', 'asyncio', 'aiohttp', 'bridge.app'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_url_that_is_none_is_told(monkeypatch, capsys):
    monkeypatch.undo()
    assert cli.main(["health", "--url", "ftp://x"]) == 2
    assert "'ftp://x' is no URL such as http://127.0.0.1:9580" in capsys.readouterr().err
