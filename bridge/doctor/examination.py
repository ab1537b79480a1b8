"""The order of the examination: each look at a time, as later ones depend on what earlier ones found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.daemon import files_folder
from bridge.doctor import broker, central_system, disk, http, machine
from bridge.doctor.broker import Question, Visit
from bridge.doctor.findings import Finding, note, ok
from bridge.doctor.report import Report
from bridge.from_settings import discovery_options, mqtt_options
from bridge.mapping import building
from bridge.subscriptions import Subscriptions
from config.loading import Configuration
from twin.model.spec import TwinSpec
from twin.store.sqlite import database

_MOST_TARGETS = 10


async def examine(configured: Configuration, report: Report, *, connect: bool) -> None:
    """Look at everything that this configuration needs; `connect` shakes hands with the Central System in any case."""
    settings, twins = configured.settings, configured.twins
    report.add(_configuration(configured))
    report.add([machine.software(), machine.clock(), machine.descriptors(len(twins))])
    found, in_use = disk.examined(database(settings.store.url), files_folder(settings.store))
    report.add(found)
    if settings.http.enabled:
        report.add([await http.examined(settings.http.host, settings.http.port, runs=in_use)])
    targets = central_system.chosen(twins, _MOST_TARGETS)
    visit = await broker.examined(_question(configured, targets))
    report.add(visit.findings)
    report.add(_compared(visit, configured, in_use=in_use))
    await _central_systems(configured, report, targets, visit, shake_hands=connect or not (in_use or visit.online))
    report.add(machine.optional(len(twins)))


def _configuration(configured: Configuration) -> list[Finding]:
    evses = sum(len(twin.evses) for twin in configured.twins)
    where = ", ".join(configured.sources) or "defaults"
    return [
        ok("configuration", f"{where}: {_many(len(configured.twins), 'twin')} with {_many(evses, 'EVSE')}"),
        *(note("configuration", text) for text in configured.notes),
    ]


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _question(configured: Configuration, targets: Sequence[TwinSpec]) -> Question:
    settings, twins = configured.settings, configured.twins
    options = mqtt_options(settings)
    mapped, _ = building.built(settings, {twin.id: len(twin.evses) for twin in twins})
    heard = [rule.pattern.filter for rule in mapped.inputs]
    filters = Subscriptions(options, lambda: [twin.id for twin in twins], heard).filters()
    discovery = discovery_options(settings)
    discovery = replace(discovery, enabled=discovery.is_on(twin.id for twin in twins))
    return Question(options, discovery, filters, [twin.id for twin in targets])


def _compared(visit: Visit, configured: Configuration, *, in_use: bool) -> list[Finding]:
    """Compare what the database and the broker tell of a daemon."""
    node = configured.settings.node
    reached = any(finding.what == "publishing" for finding in visit.findings)
    if in_use and reached and not visit.online:
        said = f"one uses this database, but no node {node!r} is online at this broker"
        return [note("daemon", said, "does it run with another configuration?")]
    if visit.online and not in_use:
        said = f"a node {node!r} is online at this broker, but nobody uses this database"
        return [note("daemon", said, "if that is another daemon, give this one a `node` of its own")]
    return [ok("daemon", f"{node!r} runs" if in_use else "none runs with this configuration")]


async def _central_systems(
    configured: Configuration, report: Report, targets: Sequence[TwinSpec], visit: Visit, *, shake_hands: bool
) -> None:
    keys = files_folder(configured.settings.store)
    for spec in targets:
        report.add(await central_system.examined(spec, keys, shake_hands=shake_hands))
        if visit.online:
            report.add([central_system.told(spec, visit.states.get(spec.id))])
