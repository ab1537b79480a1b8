"""Draws the status diagram of an EVSE from the model's transition table, in Mermaid.

All of the table is drawn, but few arrows: the statuses of a session are a state with three inner ones, where an arrow
from or to all three is drawn once; a status that is joined with every other one, both ways, gets a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from twin.model.evse import SESSION_STATUSES, TRANSITIONS
from twin.model.terms import Status

GROUP = "Session"

Table = Mapping[Status, Sequence[Status]]


def text() -> str:
    """Return the diagram as a fenced block."""
    return "\n".join(["```mermaid", *lines(TRANSITIONS), "```", ""])


def lines(table: Table) -> Iterator[str]:
    """Yield the lines of the diagram."""
    hubs = [status for status in table if _is_hub(table, status)]
    arrows = [(start, end) for start, ends in table.items() for end in ends if start not in hubs and end not in hubs]
    session = [status for status in table if status in SESSION_STATUSES]
    inner = [(start, end) for start, end in arrows if start in session and end in session]
    yield "stateDiagram-v2"
    yield f"    [*] --> {Status.AVAILABLE}"
    yield f"    state {GROUP} {{"
    yield from (f"        {start} --> {end}" for start, end in inner)
    yield "    }"
    yield from (f"    {start} --> {end}" for start, end in _merged([a for a in arrows if a not in inner], session))
    for hub in hubs:
        yield f"    {hub}"
        yield f"    note right of {hub}: from every status, and back to every one"


def _is_hub(table: Table, status: Status) -> bool:
    others = [other for other in table if other is not status]
    return all(status in table[other] for other in others) and set(table[status]) == set(others)


def _merged(arrows: Sequence[tuple[Status, Status]], session: Sequence[Status]) -> list[tuple[str, str]]:
    """Replace three arrows from or to the statuses of a session by one of the whole."""
    merged: list[tuple[str, str]] = []
    for start, end in arrows:
        arrow: tuple[str, str] = (start, end)
        if start in session and all((status, end) in arrows for status in session):
            arrow = (GROUP, end)
        elif end in session and all((start, status) in arrows for status in session):
            arrow = (start, GROUP)
        if arrow not in merged:
            merged.append(arrow)
    return merged
