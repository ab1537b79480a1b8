"""The README's table of figures: those of the newest run whose figures are kept."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import goals

RESULTS = Path(goals.__file__).parent / "results"


def text() -> str:
    """Return the table with where it comes from; a sentence where nothing was measured yet."""
    newest = max(RESULTS.glob("*.json"), default=None)
    if newest is None:
        return "Nothing was measured yet: `make bench ARGS=--write`."
    found = json.loads(newest.read_text(encoding="utf-8"))
    machine, count = found["machine"], (goals.counted(goals.medians(found), "fleet") or [0])[-1]
    where = f"benchmarks/results/{newest.stem}.md"
    cores = f"{machine['processor']} with {machine['cores']} cores"
    return (
        f"{found['at']}, {count:,} twins, {cores}, which the broker and the Central System share; "
        f"[all figures and goals]({where}).\n\n{goals.figures(goals.medians(found))}"
    ).rstrip()
