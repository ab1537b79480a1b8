"""From the configuration to rules: compiles topics, paths and templates once, and says where one of them is wrong.

The only part of the mapping that knows the configuration's models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge import intake, topics
from bridge.intake import PlaceCall, SendFrame
from bridge.mapping import paths, patterns, templates
from bridge.mapping.freshness import FLOWING
from bridge.mapping.rules import Band, InferRule, InputRule
from bridge.mapping.rules import Mapping as Rules
from bridge.mapping.values import Reader
from bridge.topics import CommandTopic, Topics, evse_number
from config.devices import equipped, preset
from config.fleet import Wrong
from config.problems import ConfigError, Path, Problem, shown, unknown_text, written
from config.sensors import DeviceSettings, Inference, InputSettings, PresetSettings
from config.settings import Settings
from twin.model.spec import TwinSpec

_USUAL_DEBOUNCE_S = 1.0
_TARGET = "the topic of a level or an edge below the root, such as garage/1/set/power_w or garage/cmd/swipe"
_EVSE = "a twin and the number of an EVSE, such as garage/1"
_NAMES = {"value", "value_json", "topic", *templates.GLOBALS}


EvseCounts = Mapping[str, int]
"""All twins, and how many EVSEs each has."""


def problems(settings: Settings, twins: Sequence[TwinSpec]) -> list[Wrong]:
    """Return what is wrong with inputs, devices and inferences, and where."""
    return built(settings, {twin.id: len(twin.evses) for twin in twins})[1]


def built(settings: Settings, twins: EvseCounts) -> tuple[Rules, list[Wrong]]:
    """Compile everything; return what came of it, and what is wrong."""
    builder = _Builder(settings, twins)
    for index, one in enumerate(settings.inputs):
        builder.add_input(("inputs", index), one)
    for index, rule in enumerate(settings.infer):
        builder.add_inference(("infer", index), rule.evse, rule)
    for index in range(len(settings.devices)):
        builder.add_device(index)
    return Rules(tuple(builder.inputs), tuple(builder.infer), tuple(builder.outputs)), builder.wrong


def alone(kind: PresetSettings, given: Mapping[str, str], evse: str) -> Rules:
    """Compile a preset by itself, for an EVSE such as garage/1. Raises ConfigError."""
    brought, wrong = equipped(DeviceSettings(preset="preset", evse=evse, **given), kind)
    builder = _Builder(Settings(), {evse.partition("/")[0]: 1})
    for one in brought.inputs:
        builder.add_input(("inputs", len(builder.inputs)), one, one.to.removeprefix(f"{evse}/"))
    if brought.infer is not None:
        builder.add_inference(("infer",), evse, brought.infer)
    wrong += builder.wrong
    if wrong:
        raise ConfigError(Problem("preset", path, text) for path, text in wrong)
    return Rules(tuple(builder.inputs), tuple(builder.infer))


def reader(one: InputSettings, names: Sequence[str]) -> tuple[Reader | None, Wrong | None]:
    """Compile how an input finds its value; return that, or what is wrong with it."""
    template = path = None
    try:
        if one.value is not None:
            template = templates.compiled(one.value)
            if unknown := templates.variables_in(one.value) - _NAMES - set(names):
                known = unknown_text(min(unknown), ["value", "value_json", "topic", *names])
                return None, (("value",), f"found {shown((), one.value)}; {min(unknown)} is {known}")
    except templates.TemplateError as error:
        return None, (("value",), f"found {shown((), one.value)}; {error}")
    try:
        path = None if one.path is None else paths.compiled(one.path)
    except ValueError as error:
        return None, (("path",), f"found {shown((), one.path)}; allowed: {error}")
    return Reader(template, path, one.path or "", one.map, one.scale, one.optional), None


class _Builder:
    """Gather rules and problems."""

    def __init__(self, settings: Settings, twins: EvseCounts) -> None:
        self.inputs: list[InputRule] = []
        self.infer: list[InferRule] = []
        self.outputs: list[tuple[Path, dict[str, Any]]] = []
        self.wrong: list[Wrong] = []
        self._settings = settings
        self._twins = twins
        self._root = Topics(settings.mqtt.base_topic, settings.node)

    def add_input(self, where: Path, one: InputSettings, name: str = "") -> None:
        """Add an input; `name` says which one of a device it is."""
        before = len(self.wrong)
        pattern = self._pattern(one.topic)
        if isinstance(pattern, str):
            self._say(where, name, "topic", one.topic, f"allowed: {pattern}")
            return
        target = self._target_problem(one.to, pattern.names)
        if target is not None:
            self._say(where, name, "to", one.to, target)
        read, wrong = reader(one, pattern.names)
        if wrong is not None:
            (field,), text = wrong
            self.wrong.append(((*where, field), text) if not name else (where, f"{name}: {field}: {text}"))
        for field, text in self._misfits(one):
            self._say(where, name, field, getattr(one, field), text)
        if len(self.wrong) > before or read is None:
            return
        debounce = _USUAL_DEBOUNCE_S if one.debounce is None else one.debounce
        self.inputs.append(
            InputRule(
                written(where) + (f" {name}" if name else ""),
                pattern,
                one.to,
                read,
                one.max_age,
                one.on_stale,
                debounce if "/cmd/" in one.to else 0.0,
            )
        )

    def add_inference(self, where: Path, evse: str, rule: Inference) -> None:
        """Add what the power of an EVSE tells."""
        found = self._evse(where, evse)
        if found is not None:
            self.infer.append(inferred(written(where), *found, rule))

    def add_device(self, index: int) -> None:
        """Add what a device brings."""
        device, where = self._settings.devices[index], ("devices", index)
        try:
            kind = preset(device.preset)
        except ConfigError as error:
            self.wrong += [((*where, "preset"), _one_line(problem.text, problem.path)) for problem in error.problems]
            return
        brought, wrong = equipped(device, kind)
        self.wrong += [((*where, *path), text) for path, text in wrong]
        if wrong or self._evse(where, device.evse) is None:
            return
        for one in brought.inputs:
            self.add_input(where, one, one.to.removeprefix(f"{device.evse}/"))
        if brought.infer is not None:
            self.add_inference(where, device.evse, brought.infer)
        for number, output in enumerate(brought.outputs):
            self.outputs.append(((*where, "outputs", number), {**output, "from": f"{device.evse}/{output['from']}"}))

    def _say(self, where: Path, name: str, field: str, value: object, text: str) -> None:
        found = f"found {shown((), value)}; {text}"
        self.wrong.append(((*where, field), found) if not name else (where, f"{name}: {field}: {found}"))

    def _pattern(self, text: str) -> patterns.Pattern | str:
        try:
            pattern = patterns.compiled(text)
        except ValueError as error:
            return str(error)
        root = self._root
        if text.startswith("$share/"):
            return "the topic itself: what is shared among clients would come here in parts"
        if f"{pattern.filter}/".startswith(root.root):
            return f"a topic outside {root.root}, where the daemon itself listens and publishes"
        for ours in (*root.wildcards(), root.requests):
            if patterns.overlap(pattern.filter, ours):
                return f"a topic that does not take in commands ({ours}); write out its first level"
        return pattern

    def _target_problem(self, text: str, names: Sequence[str]) -> str | None:
        for name in patterns.names_in(text):
            if name not in names:
                return f"{{{name}}} is {unknown_text(name, names) if names else 'no name of the topic'}"
        address = topics.parse(text)
        if not isinstance(address, CommandTopic) or not address.name:
            return f"allowed: {_TARGET}"
        if not patterns.names_in(address.twin) and address.twin not in self._twins:
            return f'twin "{address.twin}" is {unknown_text(address.twin, list(self._twins)[:50])}'
        model = _model(address)
        if model is None and not patterns.names_in(address.name):
            return self._unknown_level(address)
        count = self._twins.get(address.twin)
        if address.evse is None or patterns.names_in(address.evse) or count is None:
            return None
        if not 1 <= (evse_number(address.evse) or 0) <= count:
            return f'"{address.twin}" has {count} EVSE(s), numbered from 1'
        return None

    def _unknown_level(self, address: CommandTopic) -> str:
        table, other = (intake.STATION, intake.EVSE) if address.evse is None else (intake.EVSE, intake.STATION)
        if address.allowance in other:
            right = f"{address.twin}/1" if address.evse is None else address.twin
            return f'did you mean "{right}/{address.allowance}"?'
        known = [name for name, model in table.items() if model not in (PlaceCall, SendFrame)]
        return f'"{address.allowance}" is {unknown_text(address.allowance, known)}'

    def _misfits(self, one: InputSettings) -> Iterator[tuple[str, str]]:
        edge = "/cmd/" in one.to
        if edge and one.max_age is not None:
            yield "max_age", "a level has an age, an edge has none: leave it out"
        if not edge and one.debounce is not None:
            yield "debounce", "it is for edges; a level says the same however often it comes"
        level = one.to.rpartition("/")[2]
        if one.on_stale == "zero" and level not in {*FLOWING, "meter"}:
            yield "on_stale", f"only power and current can be zero, not {level}; allowed: hold, fault"

    def _evse(self, where: Path, text: str) -> tuple[str, int] | None:
        twin, _, number = text.partition("/")
        path = (*where, "evse")
        if twin not in self._twins:
            near = f'twin "{twin}" is {unknown_text(twin, list(self._twins)[:50])}' if number else f"allowed: {_EVSE}"
            self.wrong.append((path, f"found {shown((), text)}; {near}"))
            return None
        evse = evse_number(number) or 0
        if not 1 <= evse <= self._twins[twin]:
            known = f"{twin} has {self._twins[twin]} EVSE(s), numbered from 1"
            self.wrong.append((path, f"found {shown((), text)}; allowed: {_EVSE}; {known}"))
            return None
        return twin, evse


def inferred(name: str, twin: str, evse: int, rule: Inference) -> InferRule:
    """Return an inference with the bounds that follow from others."""
    plugged, charging, unplugged = rule.plugged, rule.charging, rule.unplugged
    low = None if charging is None else charging.above / 2 if charging.below is None else charging.below
    return InferRule(
        name,
        twin,
        evse,
        plugged=None if plugged is None else Band(plugged.above, plugged.for_, above=True),
        charging=None if charging is None else Band(charging.above, charging.for_, above=True),
        suspended=None if charging is None or low is None else Band(low, charging.for_, above=False),
        unplugged=None if unplugged is None else Band(unplugged.below, unplugged.for_, above=False),
    )


def _model(address: CommandTopic) -> type[intake.Taken] | None:
    model = (intake.STATION if address.evse is None else intake.EVSE).get(address.allowance)
    return None if model in (PlaceCall, SendFrame) else model


def _one_line(text: str, path: Path) -> str:
    return text if not path else f"{'.'.join(map(str, path))}: {text}"
