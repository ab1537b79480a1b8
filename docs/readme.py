"""The parts of the README that are written by a program, and where they stand: between two comments.

<!-- begin NAME (written by `make docs`) -->
<!-- end NAME -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from docs import benchmark_table, keys_table, presets_table, settings_tables, status_diagram

README = Path(__file__).parent.parent / "README.md"

PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings_tables.text,
    "keys": keys_table.text,
    "presets": presets_table.text,
    "status": status_diagram.text,
    "benchmark": benchmark_table.text,
}


def updated(readme: str) -> str:
    """Return the text with its parts written anew; raises LookupError if one has no place in it."""
    for name, write in PARTS.items():
        place = re.compile(rf"(<!-- begin {name} [^\n]*-->\n).*?(<!-- end {name} -->)", re.DOTALL)
        text = write()
        readme, count = place.subn(lambda found, text=text: f"{found[1]}\n{text}\n{found[2]}", readme)  # type: ignore[misc]
        if count != 1:
            raise LookupError(f"the README has {count} places for {name}")
    return readme
