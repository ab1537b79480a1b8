"""Releases of Home Assistant, each in an environment of its own that is made once and kept beside the repository's.

Home Assistant pins its own versions of everything and needs Python 3.13, so it cannot live in the tests' environment.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

VERSIONS = ("2025.4.4", "2026.2.3")
"""The oldest that is supported, and the newest that runs on Python 3.13."""

_ROOT = Path(__file__).parents[2] / ".venv-homeassistant"
_NEEDS_PYTHON = "3.13.2"
"""What the newer one asks for; it runs on each 3.13."""
_EXTRAS = ("mqtt", "frontend")
_INSTALL_S = 900


class NoPython(Exception):
    """Say how to get the Python that Home Assistant needs."""

    def __init__(self) -> None:
        super().__init__(
            "the tests of Home Assistant discovery need Python 3.13, and found none: install it "
            "(`pyenv install 3.13`, `apt-get install python3.13 python3.13-venv`, or `uv python install 3.13`), "
            "or name it: PYTHON313=/path/to/python3.13 make test"
        )


@cache
def python(version: str) -> Path:
    """Return the interpreter that has this release, installing it first if need be. Raises NoPython."""
    _ROOT.mkdir(exist_ok=True)
    folder, ready = _ROOT / version, _ROOT / f"{version}.ready"
    with (_ROOT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs of the tests at once
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, version)
            ready.touch()
    return folder / "bin/python"


def _install(folder: Path, version: str) -> None:
    print(f"\nInstalling Home Assistant {version} for the tests (once; about a minute)", flush=True)
    _run(_find_python(), "-m", "venv", str(folder))
    interpreter = str(folder / "bin/python")
    _run(interpreter, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "uv")
    _add(interpreter, f"homeassistant=={version}")
    # What Home Assistant would install itself as soon as an integration is set up.
    components = next(folder.glob("lib/python3.13/site-packages/homeassistant/components"))
    manifests = [json.loads((components / name / "manifest.json").read_text()) for name in _EXTRAS]
    _add(interpreter, *(needed for manifest in manifests for needed in manifest["requirements"]))


def _add(interpreter: str, *packages: str) -> None:
    _run(interpreter, "-m", "uv", "pip", "install", "--quiet", "--python", interpreter, *_PRETENDED, *packages)


_PRETENDED = ("--python-version", _NEEDS_PYTHON)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{done.stdout}\n{done.stderr}")


def _find_python() -> str:
    for candidate in _candidates():
        try:
            asked = subprocess.run(
                [candidate, "-c", "import sys, venv; print(sys.version_info[:2] == (3, 13))"],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        except OSError:
            continue
        if asked.stdout.strip() == "True":
            return candidate
    raise NoPython


def _candidates() -> Iterator[str]:
    if named := os.environ.get("PYTHON313"):
        yield named
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (str(path) for path in sorted(versions.glob("3.13.*/bin/python"), reverse=True))
    yield "python3.13"
    yield "python3"
