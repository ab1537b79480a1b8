"""What waits for the broker, in lanes: the urgent, documents, states, what happened, and sweeps through all states.

Decides whose turn it is. Each lane gives a few messages in turn, so that none holds up the others; what a message says,
and what of it is to be kept, is decided before it comes here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto

import structlog

from bridge.backlog import Backlog
from bridge.ports import Outgoing, Outlet
from bridge.states import States

_SLICE = 8
_MAX_TRACES = 1_000

_log = structlog.get_logger("twin")


class Left(Enum):
    """Say why a turn of `hand_over` ended."""

    MORE = auto()
    """The outlet would take more, but others must have their turn."""
    FULL = auto()
    """The outlet takes no more for now."""
    NOTHING = auto()


class Lanes:
    """Hold messages of all kinds until an outlet takes them."""

    def __init__(self, states: States, backlog: Backlog) -> None:
        self._states = states
        self._backlog = backlog
        self._urgent: deque[Outgoing] = deque()
        self._documents: dict[str, Outgoing] = {}
        self._new_documents: dict[str, None] = {}
        self._traces: deque[Outgoing] = deque(maxlen=_MAX_TRACES)
        self._sweeps: deque[Iterator[Outgoing]] = deque()
        self._sources: tuple[Callable[[], Outgoing | None], ...] = (
            *(self._next_urgent, self._next_document, states.next),
            *(self._next_happened, self._next_swept),
        )
        self.sent_total = 0
        self.unsendable = 0

    # --- What comes in ------------------------------------------------------------------------------------------------

    def urge(self, message: Outgoing) -> None:
        """Take something that goes before all else."""
        self._urgent.append(message)

    def document(self, message: Outgoing) -> None:
        """Take something retained that is published now and after each connect."""
        self._documents[message.topic] = message
        self._new_documents[message.topic] = None

    def happen(self, message: Outgoing) -> None:
        """Take something that is kept until the broker has it."""
        self._backlog.add(message)

    def trace(self, message: Outgoing) -> None:
        """Take a trace; the oldest make room for it."""
        self._traces.append(message)

    def sweep(self, messages: Iterable[Outgoing]) -> None:
        """Take messages that are made when it is their turn, after all others of their kind."""
        self._sweeps.append(iter(messages))

    # --- The broker comes and goes ------------------------------------------------------------------------------------

    def begin(self, first: str) -> None:
        """Publish all documents, that of the topic `first` before the others, and show everything."""
        self._new_documents = dict.fromkeys([first, *self._documents])
        self.sweep_only(self._states.everything())

    def sweep_only(self, messages: Iterable[Outgoing]) -> None:
        """Take messages in place of all sweeps so far."""
        self._sweeps.clear()
        self.sweep(messages)

    def interrupt(self, uncertain: list[Outgoing]) -> None:
        """Forget what is not kept, and put back what may not have arrived."""
        self._sweeps.clear()
        self._urgent.clear()
        self._traces.clear()
        self._backlog.put_back(uncertain)

    # --- What goes out ------------------------------------------------------------------------------------------------

    def hand_over(self, outlet: Outlet) -> Left:
        """Hand a slice of each lane over."""
        left = Left.NOTHING
        for source in self._sources:
            for _ in range(_SLICE):
                if not outlet.ready():
                    return Left.FULL
                message = source()
                if message is None:
                    break
                self._send(outlet, message)
            else:
                left = Left.MORE
        return left

    def _send(self, outlet: Outlet, message: Outgoing) -> None:
        if outlet.send(message):
            self.sent_total += 1
        else:
            self.unsendable += 1
            _log.warning("unsendable", topic=message.topic, size=len(message.payload))

    def _next_urgent(self) -> Outgoing | None:
        return self._urgent.popleft() if self._urgent else None

    def _next_document(self) -> Outgoing | None:
        if not self._new_documents:
            return None
        topic = next(iter(self._new_documents))
        del self._new_documents[topic]
        return self._documents[topic]

    def _next_happened(self) -> Outgoing | None:
        while (message := self._backlog.pop()) is not None:
            if message.payload or not self._states.lives(message.topic):
                return message
        return self._traces.popleft() if self._traces else None

    def _next_swept(self) -> Outgoing | None:
        while self._sweeps:
            message = next(self._sweeps[0], None)
            if message is not None:
                return message
            self._sweeps.popleft()
        return None
