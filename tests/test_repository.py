"""What holds across the repository: versions agree, and what the texts tell a user to do exists."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from bridge.cli import main

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REFERENCE = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
UNIT = (ROOT / "docker/systemd/ocpp-twin.service").read_text(encoding="utf-8")


def text_of(*patterns):
    files = [path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


TEXTS = text_of("*.md", "docs/**/*.md", "examples/*", "docker/**/*.md", "docker/**/*.y*ml", "docker/systemd/*")
# "ocpp-twin needs …" is what make says.
NAMED_COMMANDS = re.findall(r"(?:`|bin/)ocpp-twin (?!needs )([a-z][a-z-]+)", TEXTS)


def test_the_version_stands_in_one_place_and_the_changelog_knows_it():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert version("ocpp-twin") == PROJECT["version"]
    assert re.findall(r"^## \[(\d[^]]*)\]", changelog, re.MULTILINE)[0] == PROJECT["version"]


@pytest.mark.parametrize("folder", ["tests", "docker"])
def test_what_is_no_package_does_not_become_one(folder):
    # tests/ is run in importlib mode; docker/ would shadow the Docker SDK.
    assert list((ROOT / folder).rglob("__init__.py")) == []


@pytest.mark.parametrize("command", sorted(set(NAMED_COMMANDS)))
def test_a_command_that_is_named_exists(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"ocpp-twin {command}" in capsys.readouterr().out


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^)make ([a-z]+)\b", TEXTS, re.MULTILINE))))
def test_a_make_target_that_is_named_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("setting", sorted(set(re.findall(r"OCPP_TWIN__\w*[A-Z]", TEXTS))))
def test_an_environment_variable_that_is_named_is_a_setting(setting):
    path = setting.removeprefix("OCPP_TWIN__").lower().replace("__", ".")
    assert f"| `{path}` |" in REFERENCE


def test_the_unit_runs_the_installed_daemon_and_gives_it_a_folder():
    settings = dict(line.split("=", 1) for line in UNIT.splitlines() if "=" in line and not line.startswith("#"))
    assert settings["ExecStart"] == "/opt/ocpp-twin/bin/ocpp-twin run"
    assert settings["WorkingDirectory"] == f"%S/{settings['StateDirectory']}"
    assert settings["DynamicUser"] == settings["NoNewPrivileges"] == "yes"
