"""Releases of Home Assistant, each in an environment of its own that is made once and kept beside the repository's.

Home Assistant pins its own versions of everything and asks for a newer Python: it cannot share the tests' environment.
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

_ROOT = Path(__file__).parents[2] / ".venv-homeassistant"
_PYTHONS = {"2025.4.4": "3.13.2", "2026.2.3": "3.13.2", "2026.11.0": "3.14.2"}
"""What a release asks for at most; it runs on each 3.13, each 3.14."""
_PARTS = {
    "3.13": ("mqtt", "frontend"),
    # These it loads at each start, too, or complains.
    "3.14": (
        *("mqtt", "frontend", "hassio", "recorder"),
        *("radio_frequency", "infrared", "ffmpeg", "stream", "tts", "conversation"),
    ),
}
"""Those of its parts whose packages it would install itself as soon as they are set up."""
_INSTALL_S = 900


class NoPython(Exception):
    """Say how to get the Python that Home Assistant needs."""

    def __init__(self, wanted: str) -> None:
        super().__init__(
            f"the tests of Home Assistant discovery need Python {wanted}, and found none: install it "
            f"(`pyenv install {wanted}`, `apt-get install python{wanted} python{wanted}-venv`, or "
            f"`uv python install {wanted}`), or name it: {_variable(wanted)}=/path/to/python{wanted} make test"
        )


def _versions() -> tuple[str, ...]:
    """Return the releases to test with: the oldest that is supported, the newest on 3.13, the newest on 3.14 if any.

    A machine need not have Python 3.14, unless it is named.
    """
    named = _variable("3.14") in os.environ
    return tuple(version for version in _PYTHONS if _minor(version) == "3.13" or named or _find_python("3.14"))


@cache
def python(version: str) -> Path:
    """Return the interpreter that has this release, installing it first if need be. Raises NoPython."""
    _ROOT.mkdir(exist_ok=True)
    folder, ready = _ROOT / version, _ROOT / f"{version}.ready"
    interpreter = folder / "bin/python"
    with (_ROOT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs of the tests at once
        if not (ready.exists() and interpreter.exists()):  # what it was made with may be gone
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, version)
            ready.touch()
    return interpreter


def _install(folder: Path, version: str) -> None:
    wanted = _minor(version)
    found = _find_python(wanted)
    if found is None:
        raise NoPython(wanted)
    print(f"\nInstalling Home Assistant {version} for the tests (once; about a minute)", flush=True)
    _run(found, "-m", "venv", str(folder))
    interpreter = str(folder / "bin/python")
    _run(interpreter, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "uv")
    _add(interpreter, version, f"homeassistant=={version}")
    components = folder / f"lib/python{wanted}/site-packages/homeassistant/components"
    manifests = [json.loads((components / name / "manifest.json").read_text()) for name in _PARTS[wanted]]
    _add(interpreter, version, *(needed for manifest in manifests for needed in manifest.get("requirements", ())))


def _add(interpreter: str, version: str, *packages: str) -> None:
    pretended = ("--python-version", _PYTHONS[version])
    _run(interpreter, "-m", "uv", "pip", "install", "--quiet", "--python", interpreter, *pretended, *packages)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{done.stdout}\n{done.stderr}")


def _minor(version: str) -> str:
    return _PYTHONS[version].rpartition(".")[0]


def _variable(wanted: str) -> str:
    return f"PYTHON{wanted.replace('.', '')}"


@cache
def _find_python(wanted: str) -> str | None:
    for candidate in _candidates(wanted):
        try:
            asked = subprocess.run(
                [candidate, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        except OSError:
            continue
        if asked.stdout.strip() == wanted:
            return candidate
    return None


def _candidates(wanted: str) -> Iterator[str]:
    if named := os.environ.get(_variable(wanted)):
        yield named
        return
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))]
    # Where HOME is another's, pyenv is still found by its shims.
    roots += [Path(folder).parent for folder in os.get_exec_path() if Path(folder).name == "shims"]
    for root in roots:
        yield from (str(path) for path in sorted((root / "versions").glob(f"{wanted}.*/bin/python"), reverse=True))
    yield f"python{wanted}"
    yield "python3"


VERSIONS = _versions()
