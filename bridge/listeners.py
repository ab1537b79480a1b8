"""Several who listen to the fleet: one who publishes everything, others who only look at what changed."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Literal, TypeAlias

from bridge.publisher import Publisher
from twin.errors import StoreError
from twin.fleet import Frame
from twin.model.effects import Note
from twin.model.terms import Instant, Part

Changed: TypeAlias = Callable[[str, AbstractSet[Part]], None]


class Listeners:
    """Be the fleet's listener: pass everything on to the publisher, and what changed to those who were added."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._others: list[Changed] = []

    def add(self, changed: Changed) -> None:
        """Tell somebody else, too, which parts of a twin are new."""
        self._others.append(changed)

    def changed(self, twin_id: str, parts: AbstractSet[Part]) -> None:
        """Note that parts of a twin's view are new."""
        self._publisher.changed(twin_id, parts)
        for other in self._others:
            other(twin_id, parts)

    def noted(self, twin_id: str, note: Note) -> None:
        """Note a fact."""
        self._publisher.noted(twin_id, note)

    def frame(self, twin_id: str, direction: Literal["sent", "received"], frame: Frame, at: Instant) -> None:
        """Note an OCPP frame of a traced twin."""
        self._publisher.frame(twin_id, direction, frame, at)

    def traces(self, twin_id: str) -> bool:
        """Tell whether a twin's frames are wanted."""
        return self._publisher.traces(twin_id)

    def failed(self, error: StoreError) -> None:
        """Note that the store is lost."""
        self._publisher.failed(error)
