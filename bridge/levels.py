"""What was last taken of each level: so that an old value does not overwrite a newer one.

Levels are retained by their senders. When the broker has lost the session it replays them, and what it
replays may be older than what came live since.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.model.terms import Instant


@dataclass(slots=True)
class _Mark:
    at: Instant
    live: bool
    replay: int


class Levels:
    """Remember for each level when its last value was measured, and whether that came live or was replayed.

    There is one entry for each level in use of the twins of this node, which bounds it.
    """

    def __init__(self) -> None:
        self._marks: dict[str, _Mark] = {}
        self._replay = 0
        self._replaying = False

    def replay_begins(self) -> None:
        """Expect each retained level once more: the broker has a new subscription of ours."""
        self._replay += 1
        self._replaying = True

    def replay_ends(self) -> None:
        """Take messages with the retain flag for live ones again (MQTT 5: Retain As Published)."""
        self._replaying = False

    def is_replay(self, topic: str, *, retain: bool, as_published: bool) -> bool:
        """Tell whether this message is the broker's memory. Without Retain As Published the flag says so itself."""
        if not retain:
            return False
        if not as_published:
            return True
        mark = self._marks.get(topic)
        # A topic has one retained message: the second one with the flag is live.
        return self._replaying and (mark is None or mark.replay < self._replay)

    def superseded(self, topic: str, at: Instant | None, *, ages: bool = False) -> bool:
        """Tell whether a live message came for this level since its retained one; notes that the replay was seen.

        Only `at`, when the retained value was measured, can prove that it is the newer one. `ages`: the value counts
        for a time, and the same one again would be no sign that whoever measured it is still there.
        """
        mark = self._marks.get(topic)
        if mark is None or not (mark.live or ages) or (at is not None and at > mark.at):
            return False
        mark.replay = self._replay
        return True

    def is_stale(self, topic: str, at: Instant) -> bool:
        """Tell whether a newer value of this level was taken before."""
        mark = self._marks.get(topic)
        return mark is not None and at < mark.at

    def taken(self, topic: str, at: Instant, *, live: bool) -> None:
        """Remember a value that was taken. `at` must not lie in the future, or all later ones would be stale."""
        mark = self._marks.get(topic)
        if mark is None:
            self._marks[topic] = _Mark(at, live, 0 if live else self._replay)
            return
        mark.at = max(mark.at, at)
        mark.live = mark.live or live
        if not live:
            mark.replay = self._replay
