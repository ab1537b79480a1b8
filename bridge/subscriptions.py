"""Which filters the daemon is subscribed to, and which of a kept session are left over from other settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import product

from bridge.mapping.patterns import Matcher
from bridge.options import MqttOptions
from bridge.topics import CommandTopic, Topics, leftovers, parse

_MAX_REMEMBERED = 1_000
_MAX_GUESSED_LEVELS = 6


class Subscriptions:
    """Know our filters. `ids` returns the ids of all twins of this node, `inputs` are the filters of sensors."""

    def __init__(self, options: MqttOptions, ids: Callable[[], Collection[str]], inputs: Sequence[str] = ()) -> None:
        self._topics = Topics(options.base_topic, options.node)
        self._own = options.subscribe == "own"
        self._ids = ids
        self._unsubscribed: set[str] = set()
        self._inputs: list[str] = []
        self._sensors: Matcher[bool] = Matcher()
        self.listen_to(inputs)

    def listen_to(self, inputs: Sequence[str]) -> None:
        """Take other filters of sensors."""
        self._inputs = list(inputs)
        self._sensors = Matcher()
        for name in inputs:
            self._sensors.add(name, item=True)

    def filters(self) -> list[str]:
        """Return what to subscribe to."""
        return [*(self._each() if self._own else self._topics.wildcards()), self._topics.requests, *self._inputs]

    def overlapping(self) -> list[str]:
        """Return what the other way to subscribe would have left in a kept session.

        A broker may deliver a message once for each filter that it matches (MQTT 5 §3.3.4): a swipe would be two.
        """
        return self._topics.wildcards() if self._own else self._each()

    def _each(self) -> list[str]:
        return [name for twin in sorted(self._ids()) for name in self._topics.own(twin)]

    def is_left_over(self, topic: str) -> bool:
        """Tell whether a message came by a filter that is not ours."""
        if self._inputs and self._sensors.match(topic):
            return False
        relative = self._topics.relative(topic)
        address = None if relative is None else parse(relative)
        match address:
            case None:
                return relative is None
            case CommandTopic(twin=twin):
                return self._own and twin not in self._ids()
            case _:
                return address.node != self._topics.node

    def to_unsubscribe(self, topic: str) -> list[str]:
        """Return the filters through which a left-over topic may have come, each once."""
        ours = set(self.filters())
        guesses = leftovers(topic) if self._topics.relative(topic) is not None else _guesses(topic)
        found = [name for name in guesses if name not in ours and name not in self._unsubscribed]
        if len(self._unsubscribed) > _MAX_REMEMBERED:
            self._unsubscribed.clear()
        self._unsubscribed.update(found)
        return found


def _guesses(topic: str) -> Iterator[str]:
    """Guess the filter of an input that there is no more; to unsubscribe one too many is harmless."""
    yield from leftovers(topic)
    levels = topic.split("/")
    deepest = min(len(levels), _MAX_GUESSED_LEVELS)
    for depth in range(deepest):
        yield from ("/".join((*start, "#")) for start in product(*((level, "+") for level in levels[:depth])))
    if deepest == len(levels):
        yield from ("/".join(found) for found in product(*((level, "+") for level in levels)))
    else:
        yield topic
