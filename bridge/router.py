"""From a message to what comes of it: topic, payload, command, result.

Decides whether a message is taken, in the order of the contract's codes, and who is told what. Knows no twin's state.
"""

from __future__ import annotations

import asyncio
import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from bridge import intake, translate
from bridge.intake import PlaceCall, SendFrame
from bridge.levels import Levels
from bridge.limits import RateLimit
from bridge.many import Crowd
from bridge.mapping.feed import Feed
from bridge.options import MqttOptions
from bridge.ports import CallOutcome, Fleet, Incoming, Now, Receipt, Roster
from bridge.publisher import Publisher
from bridge.reading import read, request_id_of
from bridge.receipts import Receipts, delivery_key, receipt
from bridge.refusals import PUBLIC, Code, Complaint, Refused, excerpt, nearest
from bridge.render import Outcome
from bridge.requests import Requests, model_of
from bridge.topics import Address, CommandTopic, RequestTopic, Topics, evse_number, parse
from bridge.translate import Act, Order, Scene
from twin.errors import Rejected

_NODE = ""
_WORDS = frozenset(str(code) for code in Code)

_log = structlog.get_logger("mqtt")


@dataclass(frozen=True, slots=True)
class _Errand:
    """Be a message on its way through; `name` is its topic relative to the root, `reply_to` absolute."""

    message: Incoming
    name: str
    twin: str
    reply_to: str | None
    level: bool = False

    @property
    def wants_result(self) -> bool:
        """Tell whether a result is wanted even though a level was taken."""
        return not self.level or self.message.response_topic is not None


class Router:
    """Take messages and answer them. `stored` are the receipts that an earlier run left.

    Each message is acknowledged once: when it was refused, or when what follows from it is stored.
    """

    def __init__(
        self,
        options: MqttOptions,
        fleet: Fleet,
        publisher: Publisher,
        *,
        now: Now,
        stored: Iterable[Receipt] = (),
        roster: Roster | None = None,
        feed: Feed | None = None,
    ) -> None:
        self._options = options
        self._fleet = fleet
        self._publisher = publisher
        self._now = now
        self._topics = Topics(options.base_topic, options.node)
        self._levels = Levels()
        self._limit = RateLimit(options.rate_per_s, options.rate_burst)
        self._receipts = Receipts(options.duplicate_window_s, stored)
        crowd = Crowd(options, fleet, self._levels, self._limit, now)
        self._requests = Requests(fleet, crowd, publisher.tracing, roster)
        self._hears: Callable[[Incoming], bool] = lambda _: False
        self._feed = feed
        self._refusals: Counter[Code] = Counter()
        self.in_total = 0

    @property
    def refused_total(self) -> int:
        """Return how many commands were refused, those of sensors too."""
        return self.refusals.total()

    @property
    def refusals(self) -> Counter[Code]:
        """Return how many were refused with which code."""
        return self._refusals if self._feed is None else self._refusals + self._feed.refusals

    def overhear(self, hears: Callable[[Incoming], bool]) -> None:
        """Let somebody look at each message first, who tells whether it was for him."""
        self._hears = hears

    def replay_begins(self) -> None:
        """Expect all retained levels once more."""
        self._levels.replay_begins()
        if self._feed is not None:
            self._feed.replay_begins()

    def replay_ends(self) -> None:
        """Expect no more of them."""
        self._levels.replay_ends()
        if self._feed is not None:
            self._feed.replay_ends()

    def handle(self, message: Incoming) -> None:
        """Do what a message says and tell what came of it; never raises."""
        self.in_total += 1
        if message.retain and not message.payload:
            # Somebody cleared a topic.
            message.acknowledge()
            return
        relative = self._topics.relative(message.topic)
        address = None if relative is None else parse(relative)
        errand = self._errand(message, relative or message.topic, address)
        try:
            heard = self._hears(message)
            if self._feed is not None and self._feed.handle(message):
                pass
            elif heard:
                message.acknowledge()
            else:
                self._take(errand, address)
        except Refused as refusal:
            self._refuse(errand, refusal)
        except Rejected as rejection:
            self._refuse(errand, Refused(_code(rejection.code), rejection.detail))
        except Exception:  # noqa: BLE001 - one message must not stop the router
            _log.exception("message_failed", topic=message.topic)
            self._refuse(errand, Refused(Code.INTERNAL, "the daemon failed; its log says where"))

    def _errand(self, message: Incoming, name: str, address: Address | None) -> _Errand:
        match address:
            case CommandTopic(twin=twin):
                known = self._topics.result(twin) if twin in self._fleet.ids else None
                return _Errand(message, name, twin, message.response_topic or known, level=address.kind == "set")
            case RequestTopic():
                answer = self._topics.absolute(address.response)
                return _Errand(message, name, _NODE, message.response_topic or answer)
            case None:
                return _Errand(message, name, _NODE, message.response_topic)

    # --- The way of a message -----------------------------------------------------------------------------------------

    def _take(self, errand: _Errand, address: Address | None) -> None:
        match address:
            case None:
                raise Refused(Code.UNKNOWN_COMMAND, "no command has a topic like that")
            case RequestTopic():
                self._take_request(errand, address)
            case CommandTopic() if errand.level and not errand.message.payload:
                if errand.message.response_topic is not None:
                    self._answer(errand, "ignored", detail="a level without a value says nothing")
                errand.message.acknowledge()
            case CommandTopic():
                self._take_command(errand, address)

    def _take_request(self, errand: _Errand, address: RequestTopic) -> None:
        model = model_of(address.verb)
        self._check(errand, address)
        query = read(errand.message.payload, model)
        key = self._key(errand, query.request_id)
        if self._is_duplicate(errand, query.request_id, key):
            return
        self._remember(key)

        def done(data: Any) -> None:
            self._finish(errand, query.request_id, key, data)

        def failed(refusal: Refused) -> None:
            self._forget(key)
            self._refuse(errand, refusal)

        try:
            self._requests.carry_out(query, done, failed)
        except BaseException:
            self._forget(key)
            raise

    def _take_command(self, errand: _Errand, address: CommandTopic) -> None:
        evse, model = self._addressed(address)
        self._check(errand, address)
        scene = Scene(evse, self._fleet.evse_count(address.twin), self._now(), self._options.cars)
        order = translate.order(address.allowance, model, errand.message.payload, scene)
        live = not self._is_replay(errand)
        if not live and self._levels.superseded(errand.name, order.at):
            errand.message.acknowledge()
            return
        key = self._key(errand, order.request_id)
        if self._is_duplicate(errand, order.request_id, key):
            return
        self._check_age(errand, order)
        self._remember(key)
        try:
            self._carry_out(errand, order, key)
        except BaseException:
            self._forget(key)
            raise
        if errand.level:
            self._levels.taken(errand.name, self._now() if order.at is None else order.at, live=live)

    def _carry_out(self, errand: _Errand, order: Order, key: Receipt | None) -> None:
        act: Act = order.act
        match act:
            case PlaceCall(action=action, payload=payload):
                # The answer may take minutes; the sender's window at the broker is not kept from others for it.
                self._fleet.call(
                    errand.twin, action, payload, lambda outcome: self._called(errand, order, key, outcome)
                )
                errand.message.acknowledge()
            case SendFrame(value=text):
                self._fleet.send_raw(errand.twin, text, lambda: self._finish(errand, order.request_id, key))
            case _:
                self._fleet.command(errand.twin, act, lambda: self._taken(errand, order), key)

    # --- What speaks against it, in the contract's order --------------------------------------------------------------

    def _addressed(self, address: CommandTopic) -> tuple[int, type[intake.Taken]]:
        twin, ids = address.twin, self._fleet.ids
        if twin not in ids:
            collapsed = self._publisher.would_collapse(str(address), Code.UNKNOWN_TWIN)
            raise Refused(Code.UNKNOWN_TWIN, f"there is no twin {twin!r}{'' if collapsed else nearest(twin, ids)}")
        evse = 0
        if address.evse is not None:
            count = self._fleet.evse_count(twin)
            evse = evse_number(address.evse) or 0
            if not 1 <= evse <= count:
                near = min(max(evse, 1), count)
                detail = f"{twin!r} has {count} EVSE(s) and no {address.evse!r}; did you mean '{near}'?"
                raise Refused(Code.UNKNOWN_EVSE, detail)
        model = translate.model_of(address.allowance, evse=evse > 0)
        if model is None:
            raise Refused(Code.UNKNOWN_COMMAND, _unknown(address))
        return evse, model

    def _check(self, errand: _Errand, address: Address) -> None:
        options, message = self._options, errand.message
        size = len(message.payload)
        if size > options.max_payload:
            raise Refused(Code.TOO_LARGE, f"the payload has {size} bytes, more than {options.max_payload}")
        if not any(fnmatch.fnmatchcase(address.allowance, pattern) for pattern in options.allow):
            raise Refused(Code.NOT_ALLOWED, f"the setting mqtt.allow does not name {address.allowance!r}")
        if errand.twin != _NODE and not self._limit.admit(errand.twin, asyncio.get_running_loop().time()):
            raise Refused(Code.RATE_LIMITED, f"a twin takes {options.rate_per_s:g} commands a second")
        if message.retain and not errand.level:
            raise Refused(
                Code.RETAINED_COMMAND,
                "this happens once, and a retained message would repeat it at every connect: publish without retain",
            )

    def _is_replay(self, errand: _Errand) -> bool:
        message = errand.message
        return self._levels.is_replay(errand.name, retain=message.retain, as_published=message.as_published)

    def _is_duplicate(self, errand: _Errand, request_id: str | None, key: Receipt | None) -> bool:
        if key is None or (request_id is None and not errand.message.dup):
            return False
        found, data = self._receipts.find(key.topic, key.request_id, self._now())
        if found:
            detail = "this was taken before and is not done again"
            self._answer(errand, "ignored", request_id, Code.DUPLICATE, detail, data)
            errand.message.acknowledge()
        return found

    def _check_age(self, errand: _Errand, order: Order) -> None:
        if order.at is None:
            return
        if errand.level and self._levels.is_stale(errand.name, order.at):
            raise Refused(Code.STALE, "a newer value of this level was taken before", "/at")
        age = self._now() - order.at
        if not errand.level and age > self._options.stale_after_s:
            limit = self._options.stale_after_s
            raise Refused(Code.STALE, f"this happened {age:.0f} s ago, longer than {limit:g} s", "/at")

    # --- What was taken -----------------------------------------------------------------------------------------------

    def _key(self, errand: _Errand, request_id: str | None) -> Receipt | None:
        """Return the receipt by which a second delivery is known, for what needs one."""
        message, now = errand.message, self._now()
        if request_id is not None:
            return receipt(errand.twin, errand.name, request_id, now)
        if message.qos == 2 and not errand.level:
            return receipt(errand.twin, *delivery_key(errand.name, message.mid, message.payload), now)
        return None

    def _remember(self, key: Receipt | None) -> None:
        if key is not None:
            self._receipts.add(key)

    def _forget(self, key: Receipt | None) -> None:
        if key is not None:
            self._receipts.forget(key.topic, key.request_id)

    # --- Who is told --------------------------------------------------------------------------------------------------

    def _taken(self, errand: _Errand, order: Order) -> None:
        """Answer a command that is stored, its receipt too."""
        if errand.wants_result or order.request_id is not None:
            self._answer(errand, "ok", order.request_id)
        errand.message.acknowledge()

    def _finish(self, errand: _Errand, request_id: str | None, key: Receipt | None, data: Any = None) -> None:
        """Answer what was done outside of a command; its receipt is stored from here."""
        if key is not None:
            known = receipt(key.twin_id, key.topic, key.request_id, key.at, data)
            self._receipts.add(known)
            self._fleet.remember(known)
        self._answer(errand, "ok", request_id, data=data)
        errand.message.acknowledge()

    def _called(self, errand: _Errand, order: Order, key: Receipt | None, outcome: CallOutcome) -> None:
        if outcome.status == "ok":
            self._finish(errand, order.request_id, key, outcome.data)
            return
        self._forget(key)
        self._refusals[Code(outcome.status)] += 1
        detail = {
            "call_error": "the Central System answered with an error",
            "timeout": "the Central System did not answer in time",
            "offline": "the connection went before the answer came",
        }[outcome.status]
        self._answer(errand, "error", order.request_id, Code(outcome.status), detail, outcome.data)

    def _refuse(self, errand: _Errand, refusal: Refused) -> None:
        self._refusals[refusal.code] += 1
        payload = errand.message.payload
        if refusal.code in PUBLIC:
            pointer, shown = refusal.pointer, excerpt(payload)
            complaint = Complaint(errand.name, refusal.code, refusal.detail, pointer, shown, level=errand.level)
            self._publisher.complain(complaint)
        self._answer(errand, "error", request_id_of(payload), refusal.code, refusal.detail)
        errand.message.acknowledge()

    def _answer(
        self,
        errand: _Errand,
        status: str,
        request_id: str | None = None,
        code: Code | None = None,
        detail: str | None = None,
        data: Any = None,
    ) -> None:
        if errand.reply_to is not None:
            outcome = Outcome(errand.name, status, request_id, code, detail, data)
            self._publisher.result(errand.reply_to, outcome, errand.message.correlation)


def _code(word: str) -> Code:
    return Code(word) if word in _WORDS else Code.STATE_CONFLICT


def _unknown(address: CommandTopic) -> str:
    here, there = (intake.STATION, intake.EVSE) if address.evse is None else (intake.EVSE, intake.STATION)
    name = address.allowance
    if name in there:
        scope = "a station, as in" if address.evse is not None else "an EVSE, as in"
        middle = "" if address.evse is not None else "/1"
        return f"{name!r} is for {scope} '{address.twin}{middle}/{name}'; did you mean that?"
    return f"there is no command {name!r}{nearest(name, here)}"
