"""Stand-ins for package managers and virtual environments: what is installed is what is here already."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from asked import CHECKOUT, ROOT, expect, words

PACKAGES = {
    *("git", "make", "mosquitto", "mosquitto-clients", "npm", "nodejs", "node", "openssl", "chromium", "prometheus"),
    *("python3", "python3-pip", "python3-venv", "python@3.13", "nodejs-npm", "grafana", "systemd-container"),
}


def package_manager(arguments: Sequence[str]) -> None:
    verb, *names = words(arguments)
    expect(verb in ("install", "update", "upgrade"), verb)
    for name in names:
        expect(name in PACKAGES, f"a package {name}")


def npm(arguments: Sequence[str]) -> None:
    verb, *names = words(arguments)
    expect(verb == "install", f"npm {verb}")
    for name in names:
        expect(re.fullmatch(r"node-red|@flowfuse/node-red-dashboard", name), f"a package {name}")


def pip_install(names: Sequence[str], bin_folder: Path) -> None:
    """Install by linking what is installed already, after a look at what is to be installed."""
    expect(names and names[0] == "install", f"pip {names}")
    for name in words(names[1:]):
        stem = name.split("[")[0]
        wheel = re.search(r"ocpp_twin-[\w.]+-py3-none-any\.whl$", stem) is not None
        expect(wheel or (Path(stem) / "pyproject.toml").exists() or stem in ("pip", "ocpp-twin"), f"pip install {name}")
    program = bin_folder / "ocpp-twin"
    program.unlink(missing_ok=True)
    program.symlink_to(CHECKOUT / ".venv/bin/ocpp-twin")


def python3(arguments: Sequence[str]) -> None:
    if list(arguments[:2]) != ["-m", "venv"]:
        os.execv(sys.executable, [sys.executable, *arguments])
    folder = Path(words(arguments[2:])[0])
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3", "pip"):
        program = folder / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent} venv-{name} "$0" "$@"\n')
        program.chmod(0o755)


def venv_python(arguments: Sequence[str]) -> None:
    program, *given = arguments
    if given[:2] == ["-m", "pip"]:
        pip_install(given[2:], Path(program).parent)
        return
    os.execv(sys.executable, [sys.executable, *given])


def venv_pip(arguments: Sequence[str]) -> None:
    pip_install(arguments[1:], Path(arguments[0]).parent)


def pipx(arguments: Sequence[str]) -> None:
    pip_install(arguments, ROOT)
