"""What holds across the repository: versions agree, and what the texts tell a user to do exists."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from bridge.cli import main

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
UNIT = (ROOT / "docker/systemd/ocpp-twin.service").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text(encoding="utf-8"))


def text_of(*patterns):
    files = [path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


NAMED_COMMANDS = re.findall(r"(?:`|bin/)ocpp-twin ([a-z][a-z-]+)", text_of("*.md", "docker/**/*", "examples/*"))


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


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)\b", README))))
def test_a_make_target_that_is_named_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("setting", sorted(set(re.findall(r"OCPP_TWIN__\w+", text_of("README.md", "docker/**/*")))))
def test_an_environment_variable_that_is_named_is_a_setting(setting):
    path = setting.removeprefix("OCPP_TWIN__").lower().replace("__", ".")
    assert f"| `{path}` |" in README


def test_the_unit_runs_the_installed_daemon_and_gives_it_a_folder():
    settings = dict(line.split("=", 1) for line in UNIT.splitlines() if "=" in line and not line.startswith("#"))
    assert settings["ExecStart"] == "/opt/ocpp-twin/bin/ocpp-twin run"
    assert settings["WorkingDirectory"] == f"%S/{settings['StateDirectory']}"
    assert settings["DynamicUser"] == settings["NoNewPrivileges"] == "yes"


def test_the_image_holds_all_packages_and_does_not_run_as_root():
    for package in ("twin", "bridge", "config"):
        assert f"\nCOPY {package} {package}\n" in DOCKERFILE
    assert re.search(r"^USER (?!0|root)", DOCKERFILE, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {f"!{name}" for names in copied for name in names.split()} <= set(ignored)


def test_compose_mounts_files_that_are_there_and_shows_nothing_to_the_network():
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / "docker" / source).is_file()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
