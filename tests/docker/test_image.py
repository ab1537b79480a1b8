"""The Dockerfile of the daemon: what is in the image, who runs in it, and how it is ended and looked after."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from fakes.compose import DOCKER, variables

from bridge.cli import main
from config.settings import Settings

ROOT = DOCKER.parent
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]


def said(name):
    """Return the arguments of an instruction of the image itself; there may be only one."""
    (found,) = re.findall(rf"^{name} (.*)$", FINAL, re.MULTILINE)
    return found


def environment():
    text = re.search(r"^ENV ((?:.*\\\n)*.*)$", FINAL, re.MULTILINE)[1]
    return dict(pair.split("=", 1) for pair in text.split() if "=" in pair)


def test_the_image_holds_all_packages_and_does_not_run_as_root():
    for package in ("twin", "bridge", "config"):
        assert f"\nCOPY {package} {package}\n" in DOCKERFILE
    assert re.search(r"^USER (?!0|root)", DOCKERFILE, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {f"!{name}" for names in copied for name in names.split()} <= set(ignored)


def test_what_the_build_reads_is_copied():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    copied = " ".join(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)).split()
    assert {"pyproject.toml", re.search(r'^readme = "(.*)"', project, re.MULTILINE)[1], "LICENSE"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)


def test_dependencies_are_installed_before_the_sources_come():
    # Else each change of a line would install everything again.
    assert DOCKERFILE.index("--requirement requirements.txt") < DOCKERFILE.index("COPY twin")


def test_nothing_depends_on_the_processor():
    assert not re.search(r"amd64|arm64|x86_64|aarch64|TARGETARCH|--platform", FINAL + DOCKERFILE.split("ARG BASE")[1])
    assert "apt-get" not in DOCKERFILE


def test_signals_reach_the_daemon_itself():
    assert json.loads(said("ENTRYPOINT")) == ["ocpp-twin"]  # no shell between
    assert json.loads(said("CMD")) == ["run"]
    assert said("STOPSIGNAL") == "SIGTERM"


def test_its_health_is_asked_for_by_its_own_command(capsys):
    command = json.loads(said("HEALTHCHECK").partition(" CMD ")[2])
    assert command == ["ocpp-twin", "health"]
    with pytest.raises(SystemExit) as ended:
        main([command[1], "--help"])
    assert ended.value.code == 0
    assert "health" in capsys.readouterr().out


def test_health_is_served_on_the_port_that_is_exposed():
    found = environment()
    assert found["OCPP_TWIN__HTTP__ENABLED"] == "true"
    assert found["OCPP_TWIN__HTTP__HOST"] == "0.0.0.0"
    assert {name for name in found if name.startswith("OCPP_TWIN__")} <= variables()
    assert said("EXPOSE") == str(Settings.model_construct().http.port)


def test_only_its_own_folder_is_written():
    (folder,) = set(re.findall(r"^(?:WORKDIR|VOLUME) (\S+)$", FINAL, re.MULTILINE))
    assert f"install --directory --owner=ocpp-twin --group=ocpp-twin --mode=0750 {folder}" in FINAL
    assert said("USER") == "10001:10001"
    assert "--uid 10001" in FINAL
    assert environment()["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "compileall" in DOCKERFILE


def test_it_says_what_it_is():
    labels = re.search(r"^LABEL ((?:.*\\\n)*.*)$", FINAL, re.MULTILINE)[1]
    found = dict(pair.split("=", 1) for pair in shlex.split(labels.replace("\\\n", " ")))
    name = "org.opencontainers.image."
    assert found.keys() == {name + key for key in ("title", "description", "licenses", "version", "source")}
    assert (found[f"{name}version"], found[f"{name}source"]) == ("${VERSION}", "${SOURCE}")
    assert {"VERSION=", "SOURCE="} == {text for kind, text in INSTRUCTIONS if kind == "ARG" and "BASE" not in text}
