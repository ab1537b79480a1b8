"""What happened to a twin, kept for the logs that the Central System may ask for (GetDiagnostics, GetLog).

Decides what an entry looks like and when old ones go. An entry is stored with the turn that it tells of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from twin.model.effects import Note
from twin.model.terms import LogKind
from twin.store.port import Change, PruneJournal, PutJournal


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Be an entry of a log, as it is stored."""

    event: str
    data: dict[str, Any] = {}
    evse: int | None = None
    request_id: str | None = None


class Journal:
    """Keep the newest `limit` entries of each of a twin's logs, and an eighth more at times; 0: keep none."""

    __slots__ = ("_limit", "_seq", "_twin_id", "_until_prune")

    def __init__(self, twin_id: str, limit: int) -> None:
        self._twin_id = twin_id
        self._limit = limit
        self._seq = 0
        self._until_prune: int | None = None

    def changes(self, notes: Iterable[Note]) -> Iterator[Change]:
        """Return what is to be stored of these notes."""
        if not self._limit:
            return
        for note in notes:
            entry = _encoded(note)
            # Security whitepaper A04.FR.02 (SEC-21): all security events, whatever else happens, stay in their log.
            kinds = tuple(LogKind) if note.name == "security_event" else (LogKind.DIAGNOSTICS,)
            for kind in kinds:
                self._seq += 1
                yield PutJournal(self._twin_id, kind, note.at, self._seq, entry)
            if self._is_time_to_prune(note):
                yield from (PruneJournal(self._twin_id, kind, self._limit) for kind in LogKind)

    def _is_time_to_prune(self, note: Note) -> bool:
        every = 1 + self._limit // 8
        if self._until_prune is None:
            # Somewhere in the first round, or else a process that never lives long would never prune.
            self._until_prune = int(note.at * 1000) % every
        self._until_prune = (self._until_prune - 1) % every
        return self._until_prune == every - 1


def _encoded(note: Note) -> bytes:
    entry = Entry(note.name, note.fields, note.evse, note.request_id)
    try:
        return msgspec.json.encode(entry)
    except (TypeError, ValueError, OverflowError, RecursionError):
        # The words of a Central System may not be Unicode; that something happened is told all the same.
        return msgspec.json.encode(Entry(note.name, evse=note.evse))
