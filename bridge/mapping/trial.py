"""What would happen to a message, and why: the steps of an input, one sentence each. Nothing is done.

Goes the same way as `feed`, with a fleet of which only the names are known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from bridge.mapping.feed import RETAINED, read_order
from bridge.mapping.patterns import matches
from bridge.mapping.rules import InputRule
from bridge.mapping.values import Said, shown
from bridge.options import MqttOptions
from bridge.ports import Fleet
from bridge.refusals import Code, Refused


@dataclass(frozen=True, slots=True)
class Names:
    """Be the part of a fleet that knows who there is."""

    twins: Mapping[str, int]

    @property
    def ids(self) -> Mapping[str, int]:
        """Return the ids."""
        return self.twins

    def evse_count(self, twin_id: str) -> int:
        """Return how many EVSEs a twin has."""
        return self.twins[twin_id]


@dataclass(slots=True)
class Verdict:
    """Be the lines to print, and how many inputs matched and were refused."""

    lines: list[str] = field(default_factory=list)
    matched: int = 0
    refused: int = 0


def tried(
    rules: Sequence[InputRule], twins: Mapping[str, int], options: MqttOptions, said: Said, *, retain: bool, now: float
) -> Verdict:
    """Explain what the inputs would make of a message."""
    verdict = Verdict()
    fleet = cast("Fleet", Names(twins))
    for rule in rules:
        if not matches(rule.pattern.filter, said.topic):
            continue
        captures = rule.pattern.captures(said.topic)
        if captures is None:
            continue
        verdict.matched += 1
        verdict.lines.append(f"{rule.name}: {rule.pattern.text} matches")
        try:
            verdict.lines += (f"  {line}" for line in _steps(rule, captures, fleet, options, said, retain, now))
        except Refused as refusal:
            verdict.refused += 1
            at = f", at {refusal.pointer}" if refusal.pointer else ""
            verdict.lines.append(f"  refused: {refusal.code}: {refusal.detail}{at}")
    if not verdict.matched:
        verdict.lines += _nothing(rules, said.topic)
    return verdict


def _steps(
    rule: InputRule,
    captures: dict[str, str],
    fleet: Fleet,
    options: MqttOptions,
    said: Said,
    retain: bool,
    now: float,
) -> Iterator[str]:
    if captures:
        yield "captured: " + ", ".join(f"{name}={value}" for name, value in captures.items())
    address = rule.address(captures)
    yield f"to: {address}" + (" (an edge)" if rule.is_edge else " (a level)")
    reader = rule.reader
    if len(said.payload) > options.max_payload:
        raise Refused(Code.TOO_LARGE, f"the payload has {len(said.payload)} bytes, more than {options.max_payload}")
    text: str | None = None
    try:
        for what, text in reader.steps(said, captures):
            yield f"{what}: {'nothing' if text is None else shown(text)}"
    except Refused as refusal:
        if not reader.optional:
            raise
        yield refusal.detail
        text = None
    if text is None:
        yield "says nothing: no command" + (" (optional)" if reader.optional else "")
        return
    order = read_order(address, text, fleet, options, now)
    if rule.is_edge and retain:
        raise Refused(Code.RETAINED_COMMAND, RETAINED)
    yield f"command: {type(order.act).__name__} {_fields(order.act)}"
    if rule.debounce_s:
        yield f"the same again within {rule.debounce_s:g} s would be the same event"
    if rule.max_age_s is not None:
        yield f"stale after {rule.max_age_s:g} s of silence: {rule.on_stale}"


def _nothing(rules: Sequence[InputRule], topic: str) -> Iterator[str]:
    yield f"no input waits for {topic}"
    wanted = topic.split("/")

    def near(rule: InputRule) -> int:
        pairs = zip(rule.pattern.filter.split("/"), wanted, strict=False)
        return sum(2 if level == other else level in ("+", "#") for level, other in pairs)

    for rule in sorted(rules, key=near, reverse=True)[:5]:
        yield f"  {rule.name} waits for {rule.pattern.text}"


def _fields(act: Any) -> str:
    fields = msgspec.to_builtins(act)
    return json.dumps({name: value for name, value in fields.items() if value is not None and name != "type"})
