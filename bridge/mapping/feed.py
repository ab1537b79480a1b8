"""What sensors say, carried out: from a message of any topic to commands of twins.

Decides which inputs a message is for, and what speaks against it; what it means is read like the payload of a command,
and the same things are refused with the same codes. Whatever is refused is told on the node's error topic.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from bridge import translate
from bridge.intake import PlaceCall, SendFrame
from bridge.levels import Levels
from bridge.limits import RateLimit
from bridge.mapping.freshness import Freshness
from bridge.mapping.patterns import Matcher, widest
from bridge.mapping.rules import InputRule
from bridge.mapping.values import Said
from bridge.options import MqttOptions
from bridge.ports import Fleet, Incoming, Now, Receipt
from bridge.publisher import Publisher
from bridge.receipts import Receipts, delivery_key, receipt
from bridge.refusals import Code, Complaint, Refused, excerpt, nearest
from bridge.render import Outcome
from bridge.topics import CommandTopic, Topics, evse_number
from bridge.translate import Act, Order, Scene
from twin.errors import Rejected
from twin.model.inputs import ReportMeter

_MAX_KNOWN = 20_000
_MAX_SEEN = 10_000
_WORDS = frozenset(str(code) for code in Code)


@dataclass(frozen=True, slots=True)
class _Way:
    """Be an input together with the command that a certain topic leads to."""

    rule: InputRule
    captures: dict[str, str]
    address: CommandTopic
    target: str


class Feed:
    """Take the messages that inputs wait for. `stored` are the receipts that an earlier run left."""

    def __init__(
        self,
        rules: Iterable[InputRule],
        options: MqttOptions,
        fleet: Fleet,
        publisher: Publisher,
        *,
        now: Now,
        stored: Iterable[Receipt] = (),
    ) -> None:
        self._rules: tuple[InputRule, ...] = ()
        self._options = options
        self._fleet = fleet
        self._publisher = publisher
        self._now = now
        self._topics = Topics(options.base_topic, options.node)
        self._matcher: Matcher[InputRule] = Matcher()
        self._known: dict[str, list[_Way]] = {}
        self._seen: dict[tuple[str, str], float] = {}
        self._levels = Levels()
        self._limit = RateLimit(options.rate_per_s, options.rate_burst)
        self._receipts = Receipts(options.duplicate_window_s, stored)
        self._freshness = Freshness(fleet, publisher, now)
        self.refusals: Counter[Code] = Counter()
        """How many values were refused with which code."""
        self._follow(rules)

    @property
    def stale(self) -> int:
        """Return how many of what sensors feed is older than its `max_age`."""
        return self._freshness.stale

    @property
    def filters(self) -> list[str]:
        """Return what to subscribe to."""
        return widest(rule.pattern.filter for rule in self._rules)

    def replace(self, rules: Iterable[InputRule]) -> None:
        """Follow other inputs from now on; what is known of repeats and of old values stays known."""
        self._freshness.forget()
        self._follow(rules)
        self.start()

    def _follow(self, rules: Iterable[InputRule]) -> None:
        self._rules = tuple(rules)
        self._matcher = Matcher()
        self._known = {}
        for rule in self._rules:
            self._matcher.add(rule.pattern.filter, rule)

    def start(self) -> None:
        """Expect values from now on: a sensor that never says anything is stale, too."""
        for rule in self._rules:
            address = rule.address({})
            if not rule.pattern.names:
                self._freshness.expect(rule, address)

    def stop(self) -> None:
        """Expect nothing any more."""
        self._freshness.stop()

    def replay_begins(self) -> None:
        """Expect all retained values once more."""
        self._levels.replay_begins()

    def replay_ends(self) -> None:
        """Expect no more of them."""
        self._levels.replay_ends()

    def handle(self, message: Incoming) -> bool:
        """Do what a message says; False if no input waits for its topic."""
        ways = self._ways(message.topic)
        if not ways:
            return False
        if self._topics.relative(message.topic) is not None:
            # A wildcard also matches what the daemon itself publishes.
            message.acknowledge()
            return True
        done = _after(len(ways), message.acknowledge)
        said = Said(message.topic, message.payload)
        for way in ways:
            self._try(way, said, message, done)
        return True

    # --- One input ----------------------------------------------------------------------------------------------------

    def _ways(self, topic: str) -> list[_Way]:
        if not self._rules:
            return []
        known = self._known.get(topic)
        if known is None:
            known = []
            for rule in self._matcher.match(topic):
                captures = rule.pattern.captures(topic)
                if captures is not None:
                    address = rule.address(captures)
                    known.append(_Way(rule, captures, address, str(address)))
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[topic] = known
        return known

    def _try(self, way: _Way, said: Said, message: Incoming, done: Callable[[], None]) -> None:
        try:
            self._take(way, said, message, done)
        except Refused as refusal:
            self._refuse(way, message, refusal, done)
        except Rejected as rejection:
            code = Code(rejection.code) if rejection.code in _WORDS else Code.STATE_CONFLICT
            self._refuse(way, message, Refused(code, rejection.detail), done)

    def _take(self, way: _Way, said: Said, message: Incoming, done: Callable[[], None]) -> None:
        size = len(message.payload)
        if size > self._options.max_payload:
            raise Refused(Code.TOO_LARGE, f"the payload has {size} bytes, more than {self._options.max_payload}")
        text = way.rule.reader.read(said, way.captures)
        if text is None:
            done()
            return
        order = read_order(way.address, text, self._fleet, self._options, self._now())
        if way.rule.is_edge:
            if message.retain:
                raise Refused(Code.RETAINED_COMMAND, RETAINED)
            if self._is_repeated(way, text):
                done()
                return
        self._carry_out(way, order, message, done)

    def _carry_out(self, way: _Way, order: Order, message: Incoming, done: Callable[[], None]) -> None:
        twin, level = way.address.twin, not way.rule.is_edge
        if not self._limit.admit(twin, asyncio.get_running_loop().time()):
            raise Refused(Code.RATE_LIMITED, f"a twin takes {self._options.rate_per_s:g} commands a second")
        name, live = f"{message.topic}>{way.target}", True
        if level:
            live = not self._levels.is_replay(name, retain=message.retain, as_published=message.as_published)
            if not live and self._levels.superseded(name, order.at, ages=way.rule.max_age_s is not None):
                done()
                return
        key = self._key(twin, name, message) if not level else None
        if key is not None and message.dup and self._receipts.find(key.topic, key.request_id, self._now())[0]:
            done()
            return
        act = _aged(order.act, way.rule.max_age_s)
        self._fleet.command(twin, act, lambda: self._taken(way, order, done), key)  # type: ignore[arg-type]
        if key is not None:
            self._receipts.add(key)
        if level:
            self._levels.taken(name, self._now() if order.at is None else order.at, live=live)
            self._freshness.came(way.rule, way.address, order.act)

    def _key(self, twin: str, name: str, message: Incoming) -> Receipt | None:
        if message.qos != 2:
            return None
        return receipt(twin, *delivery_key(name, message.mid, message.payload), self._now())

    def _is_repeated(self, way: _Way, text: str) -> bool:
        """Tell whether the same happened a moment ago; a card that lies on its reader is read again and again."""
        now, key = asyncio.get_running_loop().time(), (way.target, text)
        last = self._seen.pop(key, None)
        if way.rule.debounce_s:
            if len(self._seen) >= _MAX_SEEN:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = now
        return last is not None and now - last < way.rule.debounce_s

    # --- Who is told --------------------------------------------------------------------------------------------------

    def _taken(self, way: _Way, order: Order, done: Callable[[], None]) -> None:
        if way.rule.is_edge or order.request_id is not None:
            self._answer(way, "ok", order.request_id)
        done()

    def _refuse(self, way: _Way, message: Incoming, refusal: Refused, done: Callable[[], None]) -> None:
        self.refusals[refusal.code] += 1
        level, reason = not way.rule.is_edge, refusal.detail
        if self._options.mask_id_tags and refusal.code is Code.TEMPLATE_ERROR and not level:
            reason = "its path or template does not fit the message; how it does not might tell a card's idTag"
        detail, shown = f"{way.rule.name} to {way.target}: {reason}", excerpt(message.payload)
        self._publisher.complain(Complaint(message.topic, refusal.code, detail, refusal.pointer, shown, level=level))
        if not level:
            self._answer(way, "error", None, refusal.code, reason)
        done()

    def _answer(
        self, way: _Way, status: str, request_id: str | None, code: Code | None = None, detail: str | None = None
    ) -> None:
        if way.address.twin in self._fleet.ids:
            outcome = Outcome(way.target, status, request_id, code, detail, None)
            self._publisher.result(self._topics.result(way.address.twin), outcome)


RETAINED = (
    "this happens once, and a retained message would repeat it at every connect: let the device publish without retain"
)


def read_order(address: CommandTopic, text: str, fleet: Fleet, options: MqttOptions, now: float) -> Order:
    """Read the payload of a command as if it had come over MQTT. Raises Refused."""
    if address.twin not in fleet.ids:
        raise Refused(Code.UNKNOWN_TWIN, f"there is no twin {address.twin!r}{nearest(address.twin, fleet.ids)}")
    count, evse = fleet.evse_count(address.twin), 0
    if address.evse is not None:
        evse = evse_number(address.evse) or 0
        if not 1 <= evse <= count:
            raise Refused(Code.UNKNOWN_EVSE, f"{address.twin!r} has {count} EVSE(s) and no {address.evse!r}")
    model = translate.model_of(address.allowance, evse=evse > 0)
    if model is None or model in (PlaceCall, SendFrame):
        raise Refused(Code.UNKNOWN_COMMAND, f"there is no level or edge {address.allowance!r}")
    return translate.order(address.allowance, model, text.encode(), Scene(evse, count, now, options.cars))


def _aged(act: Act, max_age_s: float | None) -> Act:
    """Let the twin know how long a value counts: what is `stale`, and what the simulation stands in for."""
    if isinstance(act, ReportMeter) and max_age_s is not None and act.max_age_s is None:
        return msgspec.structs.replace(act, max_age_s=max_age_s)
    return act


def _after(count: int, done: Callable[[], Any]) -> Callable[[], None]:
    """Return what to call `count` times, of which the last one is passed on."""
    left = count

    def one() -> None:
        nonlocal left
        left -= 1
        if not left:
            done()

    return one
