"""The systemd units, as systemd itself reads them."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.demo.ports import HOST
from config.loading import load

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docker/systemd"
UNITS = {"ocpp-twin.service": "ocpp-twin.service", "ocpp-twin@.service": "ocpp-twin@north.service"}
"""The files, and a unit of each."""

EXPOSURE = 2.0
"""So much may `systemd-analyze security` find, of 10."""

PROGRAM = "/opt/ocpp-twin/bin/ocpp-twin"


@pytest.fixture(params=UNITS)
def unit(request):
    """Return the text of a unit and its settings."""
    text = (FOLDER / request.param).read_text(encoding="utf-8")
    parser = configparser.RawConfigParser(strict=False, delimiters="=", comment_prefixes="#")
    parser.optionxform = str
    parser.read_string(text)
    found = {name: value for section in parser.sections() for name, value in parser.items(section)}
    return request.param, found


@pytest.fixture
def analyze(unit, tmp_path):
    """Ask systemd-analyze about a unit whose program is installed."""
    name, _ = unit
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.fail("systemd-analyze is not installed; `make test` installs it, or says how")
    there = tmp_path / UNITS[name]
    there.write_text((FOLDER / name).read_text(encoding="utf-8").replace(PROGRAM, sys.executable), encoding="utf-8")

    def ask(*arguments):
        done = subprocess.run([program, *arguments, there], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return ask


if sys.platform == "linux":  # there is no systemd elsewhere

    def test_systemd_finds_no_fault_with_a_unit(analyze):
        assert analyze("verify") == (0, "")

    def test_a_unit_is_shut_off_from_the_machine(analyze):
        code, said = analyze("security", "--offline=true", "--no-pager")
        found = re.search(r"Overall exposure level .*: (\d+\.\d+)", said)
        assert found, said
        assert code == 0
        assert float(found[1]) < EXPOSURE


def test_who_watches_the_daemon_knows_how(unit):
    _, settings = unit
    assert (settings["Type"], settings["NotifyAccess"]) == ("notify", "main")
    assert settings["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert (settings["Restart"], settings["RestartPreventExitStatus"]) == ("on-failure", "2")
    assert int(settings["WatchdogSec"]) >= 30
    assert int(settings["TimeoutStopSec"]) > 60, "the farewell of a large fleet is given up after a minute"


def test_each_instance_has_a_user_a_folder_and_a_name_of_its_own():
    text = (FOLDER / "ocpp-twin@.service").read_text(encoding="utf-8")
    for line in ("User=ocpp-twin-%i", "StateDirectory=ocpp-twin-%i", "WorkingDirectory=%S/ocpp-twin-%i"):
        assert f"\n{line}\n" in text


def test_an_instance_is_a_node_of_its_own_whatever_the_file_says(unit, tmp_path):
    name, settings = unit
    environment = dict(word.split("=") for word in settings.get("Environment", "").replace("%i", "north").split())
    (tmp_path / "north.yaml").write_text(f"{{node: other, mqtt: {{url: 'mqtt://{HOST}'}}, twins: []}}")
    found = load([tmp_path / "north.yaml"], environment).settings
    expected = ("north", "own") if "@" in name else ("other", "all")
    assert (found.node, found.mqtt.subscribe) == expected


def test_both_units_are_alike():
    one, many = ((FOLDER / name).read_text(encoding="utf-8") for name in UNITS)
    hardening = "# One open file for each twin"
    assert one.partition(hardening)[2] == many.partition(hardening)[2] != ""
