"""Bring the README and the table of demands up to date: `make docs`."""

from __future__ import annotations

from pathlib import Path

from docs import conformance, topics
from docs.readme import README, updated


def main() -> None:
    """Write them anew and say whether anything changed."""
    _write(README, updated(README.read_text(encoding="utf-8")))
    _write(conformance.FILE, conformance.text())
    _write(topics.FILE, topics.text())


def _write(file: Path, after: str) -> None:
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(after, encoding="utf-8")
    print(f"{file.name} was up to date" if after == before else f"{file.name} is new")


main()
