"""The discipline of OCPP-J: one CALL of ours under way at a time, its time-out, and whose answer is whose.

Must not know what the messages say, nor when there is something to send.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from twin.errors import ProtocolError
from twin.model.terms import Instant
from twin.ocpp.outbox import Job

MAX_ID_LENGTH = 36
HANDLED_FOR_S = 0.05
"""A CALL counts as being handled for this long: its answer leaves only after the store's commit."""

_REMEMBERED = 16
_BEING_HANDLED = "A CALL with this message id is being handled"

UNREADABLE = ("-1", None)
"""The ids of errors about a CALL whose id could not be read."""


class Flight(msgspec.Struct, frozen=True):
    """Be our CALL that left at `at` and waits for its answer until `due`."""

    id: str
    action: str
    job: Job
    due: Instant
    at: Instant


class Endpoint:
    """Pair CALLs with answers on one connection."""

    __slots__ = ("_flight", "_garbage", "_handled", "_ids", "_raw", "_served")

    def __init__(self, ids: Callable[[], str]) -> None:
        self._ids = ids
        self._flight: Flight | None = None
        self._handled: tuple[tuple[str, Instant], ...] = ()
        self._raw: tuple[str, ...] = ()
        self._garbage = 0
        self._served: dict[str, str] = {}

    @property
    def busy(self) -> bool:
        """Tell whether a CALL of ours is under way (OCPP-J 1.6 §4.1.1, T-18)."""
        return self._flight is not None

    @property
    def deadline(self) -> Instant | None:
        """Return when the CALL under way times out."""
        return self._flight.due if self._flight else None

    def depart(self, action: str, job: Job, now: Instant, due: Instant) -> Flight:
        """Let a CALL depart under an id that was never used before, also for a resend (T-16, X-26)."""
        self._flight = Flight(self._ids()[:MAX_ID_LENGTH], action, job, due, now)
        return self._flight

    def answered(self, message_id: str | None) -> Flight | None:
        """Return the CALL that an answer belongs to; None if it is late or nobody's (T-21)."""
        flight = self._flight
        if flight is None or flight.id != message_id:
            return None
        self._flight = None
        return flight

    def unread(self, message_id: str | None) -> Flight | None:
        """Return the CALL that an error without a readable id is about: ours, the only one under way.

        Such errors have the id "-1" or null (OCPP-J 2.x §4.2.3). None if it is about what was put on the wire by hand.
        """
        if message_id not in UNREADABLE:
            return None
        if self._garbage:
            self._garbage -= 1
            return None
        flight, self._flight = self._flight, None
        return flight

    def sent_raw(self, message_id: str | None) -> None:
        """Take note of a frame that somebody put on the wire by hand: nobody waits for its answer, but it may come.

        `message_id` is that of a CALL, None where none can be read from it.
        """
        if message_id is None:
            self._garbage += 1
        else:
            self._raw = (*self._raw[1 - _REMEMBERED :], message_id)

    def answers_raw(self, message_id: str | None) -> bool:
        """Tell whether an answer belongs to such a CALL; each is answered once."""
        if message_id is None or message_id not in self._raw:
            return False
        self._raw = tuple(known for known in self._raw if known != message_id)
        return True

    def expired(self, now: Instant) -> Flight | None:
        """Return the CALL whose time is up."""
        flight = self._flight
        if flight is None or now < flight.due:
            return None
        self._flight = None
        return flight

    def accept(self, message_id: str, now: Instant) -> None:
        """Take note of a CALL from the other side. Raises ProtocolError for an unfit id (OCPP-J 1.6 §4.2.3, T-29)."""
        if len(message_id) > MAX_ID_LENGTH:
            raise ProtocolError("GenericError", f"The message id has more than {MAX_ID_LENGTH} characters", message_id)
        if message_id in self._served:
            raise ProtocolError("GenericError", _BEING_HANDLED, message_id)
        if self._handled and now - self._handled[-1][1] >= HANDLED_FOR_S:
            self._handled = ()
        elif any(known == message_id and now - at < HANDLED_FOR_S for known, at in self._handled):
            raise ProtocolError("GenericError", _BEING_HANDLED, message_id)
        self._handled = (*self._handled[1 - _REMEMBERED :], (message_id, now))

    def serve(self, message_id: str, action: str) -> None:
        """Remember a CALL of the other side's until it is answered, which may take its time."""
        self._served[message_id] = action

    def served(self, message_id: str) -> str | None:
        """Return the action of a CALL that is answered now; None if it came by another connection."""
        return self._served.pop(message_id, None)

    def reset(self) -> Flight | None:
        """Begin anew with a new connection; return the CALL that was under way on the old one."""
        flight, self._flight, self._handled, self._raw, self._garbage = self._flight, None, (), (), 0
        self._served = {}
        return flight
