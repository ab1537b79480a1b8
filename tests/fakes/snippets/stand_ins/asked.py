"""What stand-ins share: where they are, and how they say that something makes no sense."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

ROOT = Path(os.environ.get("SNIPPETS_ROOT", "/nowhere"))
"""Stands for `/`."""

CHECKOUT = Path(os.environ.get("SNIPPETS_CHECKOUT", "/nowhere"))


class Wrong(Exception):
    """Say what makes no sense."""


def expect(holds: object, what: str) -> None:
    if not holds:
        raise Wrong(what)


def words(arguments: Sequence[str]) -> list[str]:
    return [word for word in arguments if not word.startswith("-")]


def real_path() -> dict[str, str]:
    """Return the environment without stand-ins."""
    ours = {str(ROOT.parent / "machine"), str(ROOT.parent / "bin")}
    kept = [place for place in os.environ["PATH"].split(":") if place not in ours]
    return os.environ | {"PATH": ":".join(kept)}


def our_command(given: Sequence[str]) -> None:
    """See whether a command of the product within others exists."""
    for before, word in pairwise(given):
        # The container, the image and the program bear the same name.
        if before.endswith("ocpp-twin") and re.fullmatch(r"[a-z][a-z-]+", word) and word != "ocpp-twin":
            done = subprocess.run([CHECKOUT / ".venv/bin/ocpp-twin", word, "--help"], capture_output=True, check=False)
            expect(done.returncode == 0, f"there is no command ocpp-twin {word}")
