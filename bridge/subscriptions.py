"""Which filters the daemon is subscribed to, and which of a kept session are left over from other settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from bridge.mapping.patterns import Matcher
from bridge.options import MqttOptions
from bridge.topics import CommandTopic, Topics, leftovers, parse

_MAX_REMEMBERED = 1_000


class Subscriptions:
    """Know our filters. `ids` returns the ids of all twins of this node, `inputs` are the filters of sensors."""

    def __init__(self, options: MqttOptions, ids: Callable[[], Collection[str]], inputs: Sequence[str] = ()) -> None:
        self._topics = Topics(options.base_topic, options.node)
        self._own = options.subscribe == "own"
        self._ids = ids
        self._unsubscribed: set[str] = set()
        self._inputs = list(inputs)
        self._sensors: Matcher[bool] = Matcher()
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
        found = [name for name in leftovers(topic) if name not in ours and name not in self._unsubscribed]
        if len(self._unsubscribed) > _MAX_REMEMBERED:
            self._unsubscribed.clear()
        self._unsubscribed.update(found)
        return found
