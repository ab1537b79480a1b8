"""The rows of the table of twins: their columns, their order, and which of them a filter lets through.

Works on what is known only; drawing and keys are the table's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.text import Text

from bridge.watching import looks, palette
from bridge.watching.knowledge import Knowledge, Twin

_WIDE = 140
_USUAL = len("○ Available")
_LISTED = 2
_ORDER = {name: number for number, name in enumerate(("Faulted", "Charging", "SuspendedEV", "SuspendedEVSE"))}

Cell = Callable[[Twin, Knowledge, int], Text]
"""Makes the text of a cell, for a twin and a width."""


@dataclass(frozen=True, slots=True)
class Column:
    """Be a column: at least `width` wide, and `share` parts of what is left; `key` sorts by it."""

    title: str
    width: int
    cell: Cell
    key: Callable[[Twin, Knowledge], Any]
    share: int = 0
    align: Literal["left", "right"] = "left"


def columns(width: int) -> list[Column]:
    """Return the columns of a table of that width."""
    return _BROAD if width >= _WIDE else _NARROW


def gap(width: int) -> int:
    """Return how many spaces stand between the columns of a table of that width."""
    return 2 if width >= _WIDE else 1


def widths(shown: Sequence[Column], width: int) -> list[int]:
    """Share the width of a table out, but for a space at either end."""
    total = width - 2 - gap(width) * (len(shown) - 1)
    spare = max(total - sum(one.width for one in shown), 0)
    shares = sum(one.share for one in shown) or 1
    found = [one.width + spare * one.share // shares for one in shown]
    first = next((index for index, one in enumerate(shown) if one.share), 0)
    found[first] += max(total - sum(found), 0)  # what rounding left over
    return found


def fits(twin: Twin, known: Knowledge, words: Sequence[str]) -> bool:
    """Tell whether a twin has all words in its names, its statuses, its cards, or its connection."""
    if not words:
        return True
    parts = [twin.id, twin.station.identity, twin.station.model, looks.uplink(twin, known)[2]]
    for one in twin.connectors.values():
        parts += (one.evse.status, one.evse.id_tag or "", one.evse.error_code if one.evse.status == "Faulted" else "")
    text = "\n".join(parts).casefold()
    return all(word in text for word in words)


def ordered(known: Knowledge, words: Sequence[str], column: Column, *, backwards: bool) -> list[Twin]:
    """Return the twins that a filter lets through, in the order of a column; equal ones by their ids."""
    folded = [word.casefold() for word in words]
    found = sorted((twin for twin in known.twins.values() if fits(twin, known, folded)), key=lambda twin: twin.id)
    if column.key is not _by_id or backwards:
        found.sort(key=lambda twin: column.key(twin, known), reverse=backwards)
    return found


# --- Cells ------------------------------------------------------------------------------------------------------------


def _by_id(twin: Twin, _: Knowledge) -> str:
    return twin.id


def _name(twin: Twin, known: Knowledge, _: int) -> Text:
    return Text(twin.id, "bold" if known.runs(twin) else palette.DIM)


def _uplink_sign(twin: Twin, known: Knowledge, _: int) -> Text:
    sign, style, _words = looks.uplink(twin, known)
    return Text(f" {sign}", style)


def _uplink(twin: Twin, known: Knowledge, _: int) -> Text:
    sign, style, words = looks.uplink(twin, known)
    return Text(f"{sign} {words}", style)


def _uplink_rank(twin: Twin, known: Knowledge) -> str:
    return looks.uplink(twin, known)[2]


def _statuses(twin: Twin, _: Knowledge, width: int) -> Text:
    names = [one.evse.status for one in twin.connectors.values()]
    if len(names) <= _LISTED:
        plain = [looks.status(name) for name in names]
        aligned = [*(_padded(text) for text in plain[:-1]), *plain[-1:]]
        for texts in (aligned, plain):
            listed = Text("  ").join(texts)
            if listed.cell_len <= width:
                return listed
    if len(names) == 1:
        return looks.status(names[0])
    counted = sorted(Counter(names).items(), key=lambda item: _ORDER.get(item[0], len(_ORDER)))
    signs = [(looks.STATUSES.get(name, ("·", palette.DIM)), name, count) for name, count in counted]
    words = Text("  ").join(Text(f"{sign} {count} {name}", style) for (sign, style), name, count in signs)
    if words.cell_len <= width:
        return words
    return Text(" ").join(Text(f"{sign}{count}", style) for (sign, style), _name, count in signs)


def _padded(status: Text) -> Text:
    # Those that one sees most are as long as this, so that the second EVSE stands below the second.
    text = status.copy()
    text.pad_right(max(_USUAL - text.cell_len, 0))
    return text


def _status_rank(twin: Twin, _: Knowledge) -> tuple[int, str]:
    names = [one.evse.status for one in twin.connectors.values()]
    return min(((_ORDER.get(name, len(_ORDER)), name) for name in names), default=(len(_ORDER), ""))


def _power(twin: Twin, _: Knowledge, __: int) -> Text:
    watts = twin.power_w
    return Text(looks.power(watts), palette.FLOW if watts else palette.DIM)


def _energy(twin: Twin, _: Knowledge, __: int) -> Text:
    return Text(looks.energy(twin.energy_wh))


def _limit(twin: Twin, _: Knowledge, __: int) -> Text:
    watts = _limit_w(twin, _)
    return Text(looks.power(watts), palette.WARN if watts else palette.DIM)


def _limit_w(twin: Twin, _: Knowledge) -> float:
    return sum(one.limit.limit_w for one in twin.connectors.values())


def _sessions(twin: Twin) -> list[Any]:
    return [one.session for one in twin.connectors.values() if one.session.active]


def _session(twin: Twin, _: Knowledge, __: int) -> Text:
    found = _sessions(twin)
    if not found:
        return Text("")
    more = f" +{len(found) - 1}" if len(found) > 1 else ""
    return Text(looks.lasts(found[0]) + more)


def _long_session(twin: Twin, _: Knowledge, __: int) -> Text:
    found = _sessions(twin)
    if not found:
        return Text("")
    first = found[0]
    parts = [looks.lasts(first), looks.energy(first.energy_wh or 0.0), first.id_tag or ""]
    return Text("  ".join(part for part in parts if part) + (f"  +{len(found) - 1}" if len(found) > 1 else ""))


def _session_rank(twin: Twin, _: Knowledge) -> str:
    return min((one.started_at or "" for one in _sessions(twin)), default="~")


def _queue(twin: Twin, _: Knowledge, __: int) -> Text:
    queued = twin.station.queued_messages
    return Text(f"{queued:,}", f"bold {palette.WARN}" if queued else palette.DIM)


def _model(twin: Twin, _: Knowledge, __: int) -> Text:
    return Text(f"{twin.station.vendor} {twin.station.model}".strip(), palette.DIM)


_TWIN = Column("Twin", 12, _name, _by_id, share=2)
_EVSES = Column("EVSEs", 23, _statuses, _status_rank, share=2)
_POWER = Column("Power", 9, _power, lambda twin, _: -twin.power_w, align="right")
_ENERGY = Column("Energy", 12, _energy, lambda twin, _: -twin.energy_wh, align="right")
_QUEUE = Column("Queue", 5, _queue, lambda twin, _: -twin.station.queued_messages, align="right")

_NARROW = [
    _TWIN,
    Column("CS", 3, _uplink_sign, _uplink_rank),
    _EVSES,
    _POWER,
    _ENERGY,
    Column("Session", 8, _session, _session_rank, align="right"),
    _QUEUE,
]
_BROAD = [
    _TWIN,
    Column("Central System", 14, _uplink, _uplink_rank),
    _EVSES,
    _POWER,
    Column("Limit", 9, _limit, lambda twin, known: -_limit_w(twin, known), align="right"),
    _ENERGY,
    Column("Session", 28, _long_session, _session_rank),
    _QUEUE,
    Column("Model", 10, _model, lambda twin, _: (twin.station.vendor, twin.station.model), share=1),
]
