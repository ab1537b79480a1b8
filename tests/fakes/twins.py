"""A twin in virtual time without a station: effects are kept, and answered by hand."""

from __future__ import annotations

from itertools import count
from typing import Any, TypeVar

from twin.model.effects import Booted, Effect, Note, Reply, Report, Tell
from twin.model.inputs import BootAnswered, LinkUp
from twin.model.spec import EvseSpec, KeySpec, TwinSpec
from twin.model.terms import Registration
from twin.model.twin import Twin

NOON = 1_767_268_800.0
"""2026-01-01T12:00:00Z."""

_Kind = TypeVar("_Kind")


class Bench:
    """Hold a twin and the time; every input appends to `effects`."""

    def __init__(self, *, evses: tuple[EvseSpec, ...] = (EvseSpec(), EvseSpec()), settings: Any = None, **spec: Any):
        numbers = count(1)
        self.ids = lambda: f"id-{next(numbers)}"
        self.spec = TwinSpec(id="garage", identity="garage", evses=evses, **spec)
        self.settings = {name: KeySpec(value) for name, value in (settings or {}).items()}
        self.now = NOON
        self.twin = Twin.new(self.spec, self.settings, self.now, ids=self.ids)
        self.effects: list[Effect] = []
        self.take(self.twin.start(self.now))

    def take(self, effects: list[Effect]) -> list[Effect]:
        self.effects.extend(effects)
        return effects

    def command(self, command: Any) -> list[Effect]:
        return self.take(self.twin.command(command, self.now))

    def request(self, request: Any) -> list[Effect]:
        return self.take(self.twin.request(request, self.now))

    def answer(self, report: Report, answer: Any) -> list[Effect]:
        return self.take(self.twin.answer(report, answer, self.now))

    def link_up(self) -> list[Effect]:
        return self.take(self.twin.link(LinkUp("ws://csms"), self.now))

    def accept(self, interval_s: int = 300) -> list[Effect]:
        """Connect and be accepted."""
        self.link_up()
        return self.answer(self.last(Booted), BootAnswered(Registration.ACCEPTED, interval_s, self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, doing what falls due on the way."""
        end = self.now + seconds
        while (due := self.twin.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.take(self.twin.tick(self.now))
        self.now = end

    def reports(self, kind: type[_Kind]) -> list[_Kind]:
        return [e.report for e in self.effects if isinstance(e, Tell) and isinstance(e.report, kind)]

    def last(self, kind: type[_Kind]) -> _Kind:
        return self.reports(kind)[-1]

    def notes(self, name: str) -> list[Note]:
        return [effect for effect in self.effects if isinstance(effect, Note) and effect.name == name]

    def replies(self) -> list[Any]:
        return [effect.outcome for effect in self.effects if isinstance(effect, Reply)]

    def evse(self, number: int = 1) -> Any:
        return self.twin.view(self.now).evses[number - 1]

    def restart(self, alive: float | None = None) -> None:
        """Let the program die and start again from what the twin would have stored."""
        parts = self.twin.dump()
        self.twin = Twin.restore(self.spec, self.settings, parts, self.now, ids=self.ids)
        self.take(self.twin.start(self.now, alive))
