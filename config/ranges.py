"""Ranges in names: `lot-{001..500}` stands for lot-001 to lot-500."""

from __future__ import annotations

import re

MAX_ITEMS = 100_000

_RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}", re.ASCII)

ALLOWED = f"one range such as lot-{{001..500}}, upwards, of at most {MAX_ITEMS} items"


def unrolled(text: str) -> list[str]:
    """Return all names that a text stands for: one, where it has no range. Raises ValueError."""
    found = list(_RANGE.finditer(text))
    if not found:
        return [text]
    if len(found) > 1:
        raise ValueError(text)
    first, last = found[0].groups()
    count = int(last) - int(first) + 1
    if not 1 <= count <= MAX_ITEMS:
        raise ValueError(text)
    # As in a shell: a leading zero asks for names of one length.
    width = max(len(first), len(last)) if first[0] == "0" or last[0] == "0" else 0
    before, after = text[: found[0].start()], text[found[0].end() :]
    return [f"{before}{number:0{width}d}{after}" for number in range(int(first), int(last) + 1)]
