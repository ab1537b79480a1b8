"""Which twins there are: those of the configuration, and those that were added over MQTT, which come back at a start.

Decides what a changed configuration means for twins that run. What a twin is, is read by `config`; running it is the
fleet's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog
from pydantic import ValidationError

from bridge.descriptors import TooFewFiles, make_room_for
from bridge.reading import pointer
from bridge.refusals import Code, Refused
from config.fleet import keys_in, spec_of
from config.loading import Configuration
from config.problems import ConfigError, explain, shown, written
from config.settings import Settings
from config.twins import TwinSettings
from twin.errors import Rejected
from twin.fleet import Fleet
from twin.model.spec import KeySpec, TwinSpec

Done = Callable[[Any], None]
Failed = Callable[[Refused], None]
Equip = Callable[[TwinSpec], TwinSpec]
KeyProblem = Callable[[str, KeySpec], str | None]

_OURS = {"twins", "templates", "csms", "inputs", "infer", "devices", "outputs", "traffic"}
"""The sections that a reload acts on as a whole; the others need a restart of the daemon."""

_FOLLOWED: Mapping[str, Mapping[str, Any]] = {
    "mqtt": {"profile": "home", "meter_interval": None, "session_interval": None},
    "home_assistant": {"enabled": None},
}
"""Settings in other sections that a reload acts on, with a value for each, so that all the rest can be compared."""

_log = structlog.get_logger("daemon")


class Showing(Protocol):
    """Show twins that come and go; `Announcer` does."""

    def came(self, twin_id: str) -> None:
        """Show a twin that was added or changed."""
        ...

    def went(self, twin_id: str, evses: int, first: int = 0) -> None:
        """Clear what stands of a twin that was removed, or of its EVSEs from `first` on."""
        ...


class Roster:
    """Let twins of a fleet come and go. `load` reads the configuration anew and raises ConfigError.

    `equip` makes of a configuration what lets a twin know what of it is real.
    """

    def __init__(
        self,
        configured: Configuration,
        fleet: Fleet,
        showing: Showing,
        *,
        load: Callable[[], Configuration],
        key_problem: KeyProblem,
        changed: Callable[[], None],
        equip: Callable[[Configuration], Equip] = lambda _: lambda spec: spec,
    ) -> None:
        self._equipping = equip
        self._equip = equip(configured)
        self._configured = configured
        self._fleet = fleet
        self._showing = showing
        self._load = load
        self._key_problem = key_problem
        self._changed = changed
        self._reloading: asyncio.Task[None] | None = None

    @property
    def configured(self) -> Configuration:
        """Return the configuration that counts now."""
        return self._configured

    def close(self) -> None:
        """Give up a reload that is under way: the daemon ends."""
        if self._reloading is not None:
            self._reloading.cancel()

    # --- At the start -------------------------------------------------------------------------------------------------

    def at_start(self, added: Mapping[str, bytes]) -> list[TwinSpec]:
        """Return all twins to begin with; one that was added and cannot be read is left out with a line in the log."""
        specs = {spec.id: self._equip(spec) for spec in self._configured.twins}
        for twin_id, record in added.items():
            if twin_id in specs:
                _log.warning("added_twin_configured", twin=twin_id, text="the configuration has it now, and counts")
                self._fleet.disown(twin_id)
                continue
            try:
                specs[twin_id] = self._spec(msgspec.json.decode(record))
            except (Refused, msgspec.DecodeError) as error:
                _log.error("added_twin_unreadable", twin=twin_id, reason=str(error))
        return list(specs.values())

    # --- One twin -----------------------------------------------------------------------------------------------------

    def add(self, tree: Mapping[str, Any], done: Callable[[str], None], failed: Failed) -> None:
        """Add a twin that is described as in the configuration. Raises Refused, or Rejected of the fleet."""
        _refuse_secret_files(tree)
        spec = self._spec(tree)
        if spec.id in self._fleet.ids:
            raise Refused(Code.STATE_CONFLICT, f"there is a twin {spec.id!r} already", "/twin/id")
        self._refuse_taken_identity(spec)
        try:
            make_room_for(len(self._fleet.ids) + 1)
        except TooFewFiles as error:
            raise Refused(Code.STATE_CONFLICT, str(error)) from None

        def arrived(why: Rejected | None) -> None:
            if why is not None:
                failed(Refused(Code.STATE_CONFLICT if why.code == "state_conflict" else Code.INTERNAL, why.detail))
                return
            self._showing.came(spec.id)
            self._changed()
            done(spec.id)

        # Its Central System may have given the one before a password, which is none of another's business.
        fresh = _goes_elsewhere(tree, self._configured.settings)
        self._fleet.add(spec, arrived, msgspec.json.encode(tree), fresh=fresh)

    def remove(self, twin_id: str, done: Callable[[], None], *, forget: bool) -> None:
        """Remove a twin; one of the configuration is there again after a restart or a reload."""
        evses = self._fleet.evse_count(twin_id)
        self._fleet.remove(twin_id, done, forget=forget)
        self._showing.went(twin_id, evses)
        self._changed()

    def set_clock_rate(self, rate: float) -> None:
        """Let time run faster or slower. Raises Refused where the configuration has no clock."""
        if self._configured.settings.clock is None:
            raise Refused(Code.STATE_CONFLICT, "the configuration has no clock: add `clock: {rate: 1}` and restart")
        self._fleet.set_clock_rate(rate)
        self._changed()

    def _spec(self, tree: Mapping[str, Any]) -> TwinSpec:
        try:
            twin = TwinSettings.model_validate(tree)
        except ValidationError as error:
            path, text = explain(error, TwinSettings)[0]
            raise Refused(Code.BAD_VALUE, f"{written(path)}: {text}", pointer(("twin", *path))) from None
        settings = self._configured.settings
        specs, wrong = spec_of(twin, settings)
        alone = settings.model_copy(update={"twins": [twin], "templates": {}})
        wrong += [
            (path[2:], f"found {shown(path, key.value)}; {problem}")
            for path, name, key in keys_in(alone)
            if (problem := self._key_problem(name, key)) is not None
        ]
        if wrong:
            path, text = wrong[0]
            raise Refused(Code.BAD_VALUE, f"{written(path)}: {text}", pointer(("twin", *path)))
        if len(specs) != 1:
            raise Refused(Code.BAD_VALUE, "one twin at a time: the id must not be a range", "/twin/id")
        if _goes_elsewhere(tree, settings):
            _refuse_lent_passwords(tree, specs[0])
        return self._equip(specs[0])

    def _refuse_taken_identity(self, spec: TwinSpec) -> None:
        for twin_id in self._fleet.ids:
            other = self._fleet.spec(twin_id)
            if (other.identity, other.csms.url) == (spec.identity, spec.csms.url):
                detail = f"{twin_id!r} calls the same Central System as {spec.identity!r} already"
                raise Refused(Code.STATE_CONFLICT, detail, "/twin/identity")

    # --- All of them --------------------------------------------------------------------------------------------------

    def reload(self, done: Done, failed: Failed) -> None:
        """Read the configuration again and change what changed in it. Raises Refused."""
        if self._reloading is not None:
            raise Refused(Code.STATE_CONFLICT, "the configuration is being read already")
        self._reloading = asyncio.create_task(self._reload(done, failed), name="reload")

    async def _reload(self, done: Done, failed: Failed) -> None:
        try:
            configured = await asyncio.to_thread(self._load)
            make_room_for(len(configured.twins))
        except (ConfigError, TooFewFiles) as error:
            _log.error("reload_failed", reason=str(error))
            failed(Refused(Code.BAD_VALUE, f"the configuration is not taken: {error}"))
        else:
            self._take(configured, done)
        finally:
            self._reloading = None

    def _take(self, configured: Configuration, done: Done) -> None:
        before = {spec.id: spec for spec in self._configured.twins}
        self._equip = self._equipping(configured)
        after = {spec.id: self._equip(spec) for spec in configured.twins}
        runs = set(self._fleet.ids)
        report = {
            "added": sorted(after.keys() - runs),
            "removed": sorted((before.keys() - after.keys()) & runs),
            "changed": sorted(twin for twin in after.keys() & runs if self._fleet.spec(twin) != after[twin]),
            "needs_restart": _needing_restart(self._configured.settings, configured.settings),
        }
        self._configured = configured
        _log.info("reloaded", **{name: len(ids) for name, ids in report.items()}, settings=report["needs_restart"])
        wait = _Countdown(
            len(report["added"]) + len(report["removed"]) + len(report["changed"]), partial(self._taken, report, done)
        )
        for twin in report["removed"]:
            self.remove(twin, wait.one, forget=False)
        for twin in report["changed"]:
            self._change(after[twin], wait.one)
        for twin in report["added"]:
            came = partial(self._came, twin, wait.one)
            try:
                self._fleet.add(after[twin], came)
            except Rejected as why:  # at this moment, somebody adds one by that id over MQTT
                came(why)
        self._changed()

    def _taken(self, report: Mapping[str, list[str]], done: Done) -> None:
        self._changed()  # those that were added are there only now
        done(report)

    def _change(self, spec: TwinSpec, done: Callable[[], None]) -> None:
        evses = self._fleet.evse_count(spec.id)
        self._fleet.disown(spec.id)  # one that was added over MQTT is the configuration's from now on
        self._fleet.replace(spec, partial(self._came, spec.id, done, None))
        if evses > len(spec.evses):
            self._showing.went(spec.id, evses, len(spec.evses) + 1)

    def _came(self, twin_id: str, done: Callable[[], None], why: Rejected | None) -> None:
        if why is not None:
            _log.error("twin_not_started", twin=twin_id, reason=why.detail)
        else:
            self._showing.came(twin_id)
        done()


def _goes_elsewhere(tree: Mapping[str, Any], settings: Settings) -> bool:
    """Tell whether a twin names a Central System that is not the configuration's."""
    own = tree.get("csms")
    names = ("url", "tls_url")
    return isinstance(own, Mapping) and any(name in own and own[name] != getattr(settings.csms, name) for name in names)


def _refuse_lent_passwords(tree: Mapping[str, Any], spec: TwinSpec) -> None:
    """Let no password of the configuration go to a Central System that somebody on MQTT names. Raises Refused."""
    keys = [name for name in spec.keys if name.casefold() == "authorizationkey"]  # OCPP does not mind their case
    lent = [("csms", "password")] * (spec.csms.password is not None) + [("keys", name) for name in keys]
    for section, name in lent:
        if name not in (tree.get(section) or {}):
            text = "with a Central System of its own a twin does not get the configuration's: give one here"
            path = (section, name)
            raise Refused(Code.BAD_VALUE, f"{written(path)}: {text}", pointer(("twin", *path)))


def _refuse_secret_files(tree: Mapping[str, Any]) -> None:
    """Let nobody on MQTT have a file of this machine sent to a Central System of his choice. Raises Refused."""
    csms, keys = tree.get("csms"), tree.get("keys")
    sections: list[tuple[tuple[str, ...], Any]] = [(("csms",), csms)]
    if isinstance(keys, Mapping):
        sections += [(("keys", name), key) for name, key in keys.items()]
    for path, section in sections:
        for name in ("password_file", "value_file"):
            if isinstance(section, Mapping) and name in section:
                detail = f"{written((*path, name))}: only the configuration file may name one; give what stands in it"
                raise Refused(Code.BAD_VALUE, detail, pointer(("twin", *path, name)))


class _Countdown:
    """Call `done` when as many things have happened as were expected."""

    def __init__(self, expected: int, done: Callable[[], None]) -> None:
        self._left = expected
        self._done = done
        if not expected:
            done()

    def one(self) -> None:
        """Count one."""
        self._left -= 1
        if not self._left:
            self._done()


def _needing_restart(before: Settings, after: Settings) -> list[str]:
    names: Iterable[str] = type(before).model_fields
    return sorted(name for name in names if name not in _OURS and _fixed(before, name) != _fixed(after, name))


def _fixed(settings: Settings, name: str) -> Any:
    """Return what only a restart changes of a section."""
    found = getattr(settings, name)
    return found.model_copy(update=_FOLLOWED[name]) if name in _FOLLOWED else found
