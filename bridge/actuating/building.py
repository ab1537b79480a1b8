"""From the configuration to rules: compiles topics and templates once, says where one is wrong, and refuses loops.

The only part of the outputs that knows the configuration's models.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from bridge.actuating.rules import Confirm, OutputRule
from bridge.mapping import paths, patterns, templates
from bridge.topics import Topics
from config.fleet import Wrong
from config.outputs import ConfirmSettings, OutputSettings
from config.problems import Path, explain, shown, unknown_text, written
from config.ranges import unrolled
from config.settings import Settings
from twin.model.terms import Action, PartKind
from twin.model.view import EvseView, LimitView, MeterView, SessionView, StationView

_STATE_S = 30.0
_ACTION_S = 10.0
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_LEVEL = re.compile(r"[^/]*\+[^/]*")
_SHOWN = frozenset({"value", "value_json", "topic"})
"""The names of what a thing shows."""
_HOLES = ("twin", "evse")
_FROM = "a state or an action of a twin, such as garage/1/limit, garage/1/unlock or garage/reset"
_ANY_EVSE = ("*", "+")
_STATES: dict[PartKind, type[Any]] = {
    "station": StationView,
    "evse": EvseView,
    "meter": MeterView,
    "limit": LimitView,
    "session": SessionView,
}
ACTION_FIELDS = {
    Action.UNLOCK: ("connector_id",),
    Action.REMOTE_START: ("id_tag", "connector_id"),
    Action.REMOTE_STOP: ("transaction_id",),
    Action.AVAILABILITY: ("connector_id", "type"),
    Action.RESET: ("type",),
}
"""What the payload of an action may name, besides twin, evse and value_json."""
_AT_EVSE: dict[str, PartKind | Action] = {
    "state": "evse",
    "meter": "meter",
    "limit": "limit",
    "session": "session",
    **{action.value: action for action in Action if action is not Action.RESET},
}
_AT_STATION: dict[str, PartKind | Action] = {"state": "station", **{action.value: action for action in Action}}

EvseCounts = Mapping[str, int]
"""All twins, and how many EVSEs each has."""
Brought = tuple[Path, Mapping[str, Any]]
"""An output as a device's preset has it, with a full `from`, and where that device stands."""


def built(
    settings: Settings, twins: EvseCounts, inputs: Collection[str] = (), brought: Sequence[Brought] = ()
) -> tuple[tuple[OutputRule, ...], list[Wrong]]:
    """Compile everything; return what came of it, and what is wrong.

    `inputs` are the filters of all sensors, `brought` outputs that do not stand in the configuration themselves.
    """
    builder = _Builder(settings, twins, inputs)
    for index, one in enumerate(settings.outputs):
        builder.add(("outputs", index), one)
    for where, tree in brought:
        try:
            builder.add(where, OutputSettings.model_validate(tree))
        except ValidationError as error:
            builder.wrong += [((*where, *path), text) for path, text in explain(error, OutputSettings)]
    builder.refuse_self_confirmation()
    return tuple(builder.rules), builder.wrong


class _Builder:
    """Gather rules and problems."""

    def __init__(self, settings: Settings, twins: EvseCounts, inputs: Collection[str]) -> None:
        self.rules: list[OutputRule] = []
        self.wrong: list[Wrong] = []
        self._twins = twins
        self._inputs = inputs
        self._heard = _heard_by_home_assistant(settings)
        self._root = Topics(settings.mqtt.base_topic, settings.node)
        self._written: list[str] = []
        self._read: list[tuple[Path, str, str]] = []

    def add(self, where: Path, one: OutputSettings) -> None:
        """Add an output."""
        before = len(self.wrong)
        source = self._source((*where, "from"), one.from_)
        plain = _EXPRESSION.sub("+", one.topic)
        covered = self._topic((*where, "topic"), one.topic, _LEVEL.sub("+", plain))
        if covered is not None:
            self._refuse_loop((*where, "topic"), one.topic, covered)
        if source is None:
            return
        ids, glob, evse, what = source
        topic: str | templates.Template | None = one.topic
        if plain != one.topic:
            written_out = patterns.filled(one.topic, {name: f"{{{{ {name} }}}}" for name in _HOLES})
            topic = self._template((*where, "topic"), written_out, _names(what))
        payload = self._template((*where, "payload"), one.payload, _names(what))
        confirm = None if one.confirm is None else self._confirm((*where, "confirm"), one.confirm, what)
        for field, text in _misfits(one, what):
            self.wrong.append(((*where, field), text))
        if len(self.wrong) > before or topic is None or covered is None:
            return
        self._written.append(covered)
        self.rules.append(
            OutputRule(
                name=written(where),
                what=what,
                topic=topic,
                covered=covered,
                ids=ids,
                glob=glob,
                evse=evse,
                payload=payload,
                retain=one.retain,
                qos=one.qos,
                min_interval_s=one.min_interval,
                keepalive_s=one.keepalive,
                below_min=one.below_min,
                min_a=one.min_a,
                when_offline=one.when_offline,
                confirm=confirm,
            )
        )

    def refuse_self_confirmation(self) -> None:
        """Refuse confirmations that an output gives itself."""
        for path, text, name in self._read:
            if any(patterns.overlap(name, written) for written in self._written):
                self._say(path, text, "allowed: a topic to which no output writes, or each would confirm itself")

    # --- Where from ---------------------------------------------------------------------------------------------------

    def _source(
        self, path: Path, text: str
    ) -> tuple[Collection[str] | None, str, int | None, PartKind | Action] | None:
        twins, *middle, name = text.split("/") if "/" in text else ("", "")
        if not name or len(middle) > 1 or not twins:
            self._say(path, text, f"allowed: {_FROM}")
            return None
        known, other = (_AT_EVSE, _AT_STATION) if middle else (_AT_STATION, _AT_EVSE)
        what = known.get(name)
        if what is None:
            right = f"{twins}/1/{name}" if not middle else f"{twins}/{name}"
            near = f'did you mean "{right}"?' if name in other else f'"{name}" is {unknown_text(name, list(known))}'
            self._say(path, text, near)
            return None
        ids, glob = self._selected(path, text, twins)
        evse = self._evse(path, text, middle[0], ids) if middle else 0
        return None if ids == () or (evse == 0 and middle) else (ids, glob, evse, what)

    def _selected(self, path: Path, text: str, twins: str) -> tuple[Collection[str] | None, str]:
        """Return the twins that are named, or the glob by which they are found; no twins where that is wrong."""
        if any(sign in twins for sign in "*?["):
            return None, twins
        try:
            ids = unrolled(twins)
        except ValueError:
            self._say(path, text, f"allowed: {_FROM}, with one range such as lot-{{001..500}}, or a glob such as lot-*")
            return (), ""
        for twin in ids:
            if twin not in self._twins:
                self._say(path, text, f'twin "{twin}" is {unknown_text(twin, list(self._twins)[:50])}')
                return (), ""
        return (frozenset(ids) if len(ids) > 1 else tuple(ids)), ""

    def _evse(self, path: Path, text: str, written: str, ids: Collection[str] | None) -> int | None:
        """Return the number, None for each EVSE, 0 where it is none."""
        if written in _ANY_EVSE:
            return None
        number = int(written) if written.isascii() and written.isdecimal() and written[0] != "0" else 0
        most = min((self._twins[twin] for twin in ids or ()), default=number or 1)
        if not 1 <= number <= most:
            self._say(path, text, f"allowed: the number of an EVSE, 1 to {most}, or * for each")
            return 0
        return number

    # --- Where to -----------------------------------------------------------------------------------------------------

    def _topic(self, path: Path, text: str, plain: str | None = None) -> str | None:
        """Return the filter that covers a topic, None where it is none; `plain` has + where a template stands."""
        try:
            pattern = patterns.compiled(text if plain is None else plain)
        except ValueError:
            self._say(path, text, "allowed: a topic such as openevse/override/set, with {twin} and {evse} where wanted")
            return None
        strange = [name for name in pattern.names if name not in _HOLES]
        if strange:
            self._say(path, text, f"{{{strange[0]}}} is {unknown_text(strange[0], _HOLES)}")
        elif "+" in _EXPRESSION.sub("", text) or "#" in _EXPRESSION.sub("", text):
            self._say(path, text, "allowed: one topic, without + and #")
        elif f"{pattern.filter}/".startswith(self._root.root):
            self._say(path, text, f"allowed: a topic outside {self._root.root}, where the daemon itself is at home")
        elif any(patterns.overlap(pattern.filter, ours) for ours in (*self._root.wildcards(), self._root.requests)):
            self._say(
                path,
                text,
                f"allowed: a topic that can be no command below {self._root.root}; write its first level out",
            )
        else:
            return pattern.filter
        return None

    def _refuse_loop(self, path: Path, text: str, name: str) -> None:
        # Home Assistant's are fixed: what a template might become there is not held against it.
        loops = [known for known in self._inputs if patterns.overlap(name, known)]
        loops += [known for known in self._heard if patterns.covers(known, name)]
        if loops:
            self._say(path, text, f"allowed: a topic that is no input; {loops[0]} is one, and that would be a loop")

    # --- How ----------------------------------------------------------------------------------------------------------

    def _template(self, path: Path, text: str | None, names: Collection[str]) -> templates.Template | None:
        if text is None:
            return None
        try:
            template = templates.compiled(text)
            unknown = templates.variables_in(text) - set(names) - set(templates.GLOBALS)
        except templates.TemplateError as error:
            self._say(path, text, str(error))
            return None
        if unknown:
            name = min(unknown)
            self._say(path, text, f"{name} is {unknown_text(name, list(names))}")
        return template

    def _confirm(self, path: Path, one: ConfirmSettings, what: PartKind | Action) -> Confirm | None:
        name = self._topic((*path, "topic"), one.topic)
        if name is not None:
            self._read.append(((*path, "topic"), one.topic, name))
        value, wanted = self._reader_or_wish(path, one)
        expect = self._template((*path, "expect" if wanted == one.expect else "value"), wanted, _names(what))
        steps = None
        try:
            steps = None if one.path is None else paths.compiled(one.path)
        except ValueError as error:
            self._say((*path, "path"), one.path, f"allowed: {error}")
        timeout_s = one.timeout or (_ACTION_S if isinstance(what, Action) else _STATE_S)
        return Confirm(one.topic, value, steps, one.scale, expect, one.tolerance, timeout_s)

    def _reader_or_wish(self, path: Path, one: ConfirmSettings) -> tuple[templates.Template | None, str | None]:
        """Return how what is shown is found, and what it should be; `value` may be the one or the other."""
        if one.value is None:
            return None, one.expect
        try:
            reads = bool(templates.variables_in(templates.compiled(one.value).source) & _SHOWN)
        except templates.TemplateError:
            reads = False
        if not reads:
            if one.expect is not None:
                self._say((*path, "value"), one.value, "allowed: value, value_json or topic in it, beside expect")
            return None, one.value
        if one.path is not None:
            self._say((*path, "path"), one.path, "allowed: either this or a template with value or value_json")
        return self._template((*path, "value"), one.value, _SHOWN), one.expect

    def _say(self, path: Path, found: object, text: str) -> None:
        self.wrong.append((path, f"found {shown((), found)}; {text}"))


def _heard_by_home_assistant(settings: Settings) -> list[str]:
    """Return what the daemon reads there."""
    own = settings.home_assistant
    return [f"{own.prefix}/status", f"{own.prefix}/device/+/config"] if own.enabled is not False else []


def _names(what: PartKind | Action) -> list[str]:
    fields = ACTION_FIELDS[what] if isinstance(what, Action) else _STATES[what].__struct_fields__
    return [*fields, *_HOLES, "value_json"]


def _misfits(one: OutputSettings, what: PartKind | Action) -> Iterator[tuple[str, str]]:
    if isinstance(what, Action):
        if one.retain:
            yield "retain", "an action happens once, and a retained message would repeat it: leave it out"
        if one.min_interval:
            yield "min_interval", "it is for states; an action goes out at once: leave it out"
        if one.keepalive is not None and one.confirm is None:
            yield "keepalive", "an action is repeated until it is confirmed: only together with confirm"
    if what != "limit":
        if one.below_min != "pass":
            yield "below_min", "only a limit can be too low: leave it out"
        if one.when_offline != "keep":
            yield "when_offline", "only a limit can be lowered meanwhile: leave it out"
