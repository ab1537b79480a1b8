"""What an earlier run, with another output profile, may have left retained at the broker.

Decides whether that has to be cleared: once, and not at each start. It is remembered in the store, because the broker
does not tell everybody what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from bridge.broker import broker
from bridge.options import MqttOptions
from bridge.profiles import EVSE_PARTS, EvsePart, Output
from bridge.publisher import Publisher

_NAME = "cleared"


class _Cleared(msgspec.Struct, frozen=True):
    """Say of which parts nothing stands below a root at a broker."""

    where: str
    parts: frozenset[EvsePart] = frozenset()


class Leftovers:
    """Remember what was cleared. `stored` is what `keep` has stored in earlier runs."""

    def __init__(self, options: MqttOptions, stored: Mapping[str, bytes], keep: Callable[[str, bytes], None]) -> None:
        self._where = f"{broker(options).url} {options.base_topic}"
        self._keep = keep
        try:
            self._known = msgspec.json.decode(stored.get(_NAME, b""), type=_Cleared)
        except msgspec.DecodeError:  # there is none, or it is another version's
            self._known = _Cleared("")

    def follow(self, publisher: Publisher, output: Output) -> None:
        """Have a publisher follow a profile, and clear what it hides unless that was done already."""
        cleared = self._known.parts & output.hidden if self._known.where == self._where else frozenset()
        # What is not hidden will stand, and that must be known before it does.
        self._remember(cleared)
        publisher.follow(output, set(EVSE_PARTS) - cleared, lambda: self._remember(output.hidden))

    def _remember(self, parts: frozenset[EvsePart]) -> None:
        known = _Cleared(self._where, parts)
        if known.parts != self._known.parts or (parts and known != self._known):
            self._known = known
            self._keep(_NAME, msgspec.json.encode(known))
