"""What of the documentation is written by a program: whole pages, and parts between two comments.

<!-- begin NAME (written by `make docs`) -->
<!-- end NAME -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs import (
    benchmark_table,
    cli_page,
    conformance,
    error_codes,
    import_graph,
    keys_table,
    metrics_table,
    modules_page,
    presets_table,
    settings_tables,
    status_diagram,
    topics,
)

ROOT = Path(__file__).parent.parent

Write = Callable[[], str]

WHOLE: Mapping[str, Write] = {
    "docs/reference/cli.md": cli_page.text,
    "docs/reference/metrics.md": metrics_table.text,
    "docs/reference/modules.md": modules_page.text,
    "docs/reference/ocpp16-conformance.md": conformance.text,
}

PARTS: Mapping[str, Mapping[str, Write]] = {
    "README.md": {"benchmark": benchmark_table.text, "status": status_diagram.text},
    "docs/explanation/architecture.md": {"imports": import_graph.text, "status": status_diagram.text},
    "docs/reference/configuration.md": {"settings": settings_tables.text},
    "docs/reference/devices.md": {"presets": presets_table.text},
    "docs/reference/error-codes.md": {"codes": error_codes.text, "exits": error_codes.exits},
    "docs/reference/mqtt.md": {
        "published": topics.published,
        "taken": topics.taken,
        "requests": topics.requests,
        "events": topics.events,
    },
    "docs/reference/ocpp-keys.md": {"keys": keys_table.text},
}


def names() -> list[str]:
    """Return the paths of all pages that are written, wholly or in part."""
    return [*WHOLE, *PARTS]


def pages() -> Iterator[tuple[Path, str]]:
    """Yield each page with what should stand in it; raises LookupError if a part has no place."""
    for name in names():
        yield ROOT / name, page(name)


def page(name: str) -> str:
    """Return what should stand in one page."""
    if name in WHOLE:
        return WHOLE[name]()
    return updated((ROOT / name).read_text(encoding="utf-8"), PARTS[name])


def updated(text: str, parts: Mapping[str, Write]) -> str:
    """Return the text with its parts written anew; raises LookupError if one has no place in it."""
    for name, write in parts.items():
        place = re.compile(rf"(<!-- begin {name} [^\n]*-->\n).*?(<!-- end {name} -->)", re.DOTALL)
        new = write()
        text, count = place.subn(lambda found, new=new: f"{found[1]}\n{new}\n{found[2]}", text)  # type: ignore[misc]
        if count != 1:
            raise LookupError(f"there are {count} places for {name}")
    return text
