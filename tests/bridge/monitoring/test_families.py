from __future__ import annotations

import platform

import pytest
from fakes.fleet import EVSE, METER, STATION, FakeFleet
from fakes.monitored import sources
from fakes.scraping import Samples
from fakes.turns import counted
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest

from bridge.monitoring.catalogue import KINDS, SECTIONS
from bridge.monitoring.census import CensusTaker
from bridge.monitoring.exposition import _Read
from bridge.monitoring.families import families
from bridge.monitoring.options import HttpOptions
from bridge.payloads import EVENT_DATA
from bridge.ports import Incoming
from bridge.refusals import Code
from twin.model.effects import Note
from twin.model.terms import LinkProblem, Registration, Status
from twin.turn import Frame, Heard


class World:
    """Hold a daemon's parts; `read` returns what a scrape shows now."""

    def __init__(self, folder, **options):
        self.fleet = FakeFleet()
        self.sources = sources(self.fleet, folder)
        self.options = HttpOptions(node="north", version="1.2.3", **options)

    async def read(self):
        census = await CensusTaker(self.fleet, self.options.twins).take()
        registry = CollectorRegistry()
        registry.register(_Read(await families(self.sources, census, self.options)))
        return Samples(generate_latest(registry).decode())


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


async def test_all_that_is_described_is_shown_and_nothing_else(tmp_path):
    world = World(tmp_path, twins=("*",))
    (tmp_path / "twins.db").write_bytes(b"")
    world.fleet.tally.sent(Frame('[2,"1","Heartbeat",{}]', "Heartbeat"))
    world.fleet.tally.heard(Heard("result", "Heartbeat", took_s=0.1))
    found = await world.read()
    shown = {family.name: family for family in found.families.values()}
    assert set(shown) == {kind.name.removesuffix("_total") for kind in KINDS.values()}
    for kind in KINDS.values():
        family = shown[kind.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (kind.type, kind.help)
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert labels == set(kind.labels), kind.name


async def test_twins_are_counted(world):
    world.fleet.views["garage", ("station", 0)] = replace(STATION, connected=False, registration=None)
    world.fleet.views["office", ("station", 0)] = replace(STATION, queued_messages=4)
    world.fleet.views["office", ("evse", 2)] = replace(EVSE, status=Status.CHARGING, charging=True)
    world.fleet.views["office", ("meter", 2)] = replace(METER, power_w=11_000.0, stale=True)
    found = await world.read()
    assert (found("twins"), found("twins_connected"), found("evses_charging"), found("meters_stale")) == (2, 1, 1, 1)
    assert found("twins_by_registration", registration=Registration.ACCEPTED) == 1
    assert found("twins_by_registration", registration="none") == 1
    assert (found("evses", status="Available"), found("evses", status="Charging")) == (2, 1)
    assert found("evses", status="Faulted") == 0
    assert (found("power_watts"), found("energy_joules_total")) == (11_000.0, 0)
    assert (found("ocpp_queued_messages"), found("ocpp_queued_twins"), found("ocpp_longest_queue")) == (4, 1, 4)
    assert found("build_info", node="north", version="1.2.3", python=platform.python_version()) == 1
    assert (found("start_time_seconds"), found("clock_rate")) == (1_700_000_000.0, 2.0)


async def test_ocpp_is_counted(world):
    tally = world.fleet.tally
    tally.sent(Frame('[2,"1","BootNotification",{}]', "BootNotification"))
    tally.heard(Heard("error", "BootNotification", "SecurityError", 0.3))
    tally.heard(Heard("timeout", "Heartbeat"))
    tally.note(Note("protocol_error", {"code": "NotImplemented"}, 0.0))
    tally.note(Note("message_dropped", {"action": "StopTransaction"}, 0.0))
    tally.links_opened, tally.links_lost = 5, 4
    tally.links_failed[LinkProblem.UNAUTHORIZED] += 1
    found = await world.read()
    assert found("ocpp_sent_total", type="call", action="BootNotification") == 1
    assert found("ocpp_received_total", type="error", action="BootNotification") == 1
    assert found("ocpp_call_errors_total", code="SecurityError") == 1
    assert found("ocpp_call_timeouts_total") == 1
    assert found("ocpp_messages_dropped_total", action="StopTransaction") == 1
    assert found("ocpp_messages_dropped_total", action="StartTransaction") == 0
    assert found("ocpp_protocol_errors_total", code="NotImplemented") == 1
    assert found("ocpp_protocol_errors_total", code="GenericError") == 0
    assert found("ocpp_call_duration_seconds_bucket", le="0.25") == 0
    assert found("ocpp_call_duration_seconds_bucket", le="0.5") == 1
    assert found("ocpp_call_duration_seconds_sum") == 0.3
    assert (found("ocpp_connections_opened_total"), found("ocpp_connections_closed_total")) == (5, 4)
    assert found("ocpp_connections_failed_total", reason="unauthorized") == 1
    assert found("ocpp_connections_failed_total", reason="unreachable") == 0


async def test_mqtt_is_counted(world):
    publisher, router = world.sources.publisher, world.sources.router
    router.handle(Incoming("ocpp-twin/nowhere/cmd/swipe", b"04A2B3C4", lambda: None))
    for _ in range(15):
        publisher.noted("garage", Note("plugged", {"ev": None}, 0.0))
    found = await world.read()
    assert (found("mqtt_connected"), found("mqtt_received_total")) == (0, 1)
    assert found("commands_refused_total", code="unknown_twin") == 1
    assert found("mqtt_backlog_messages") == 10
    assert found("mqtt_dropped_total", reason="backlog_full") == 6
    assert found("events_total", type="plugged") == 15
    assert {found("events_total", type=name) for name in EVENT_DATA} == {0, 15}
    assert [found("commands_refused_total", code=str(code)) for code in Code].count(0) == len(Code) - 1


async def test_the_store_and_the_loop_are_measured(world, tmp_path):
    world.fleet.tally.commits.observe(0.004)
    world.fleet.tally.rows = 12
    world.sources.lag.spread.observe(0.2)
    (tmp_path / "twins.db").write_bytes(b"x" * 100)
    found = await world.read()
    assert (found("store_commit_seconds_count"), found("store_rows_total")) == (1, 12)
    assert found("store_size_bytes", file="main") == 100
    assert found("event_loop_lag_seconds_bucket", le="0.1") == 0
    assert found("event_loop_lag_seconds_bucket", le="+Inf") == 1


async def test_single_twins_only_where_they_are_named(tmp_path):
    world = World(tmp_path, twins=("off*",))
    world.fleet.views["office", ("meter", 2)] = replace(METER, power_w=50.0, energy_wh=2.0, stale=True)
    found = await world.read()
    assert found("twin_connected", twin="office") == 1
    assert found("twin_connected", twin="garage") is None
    assert found("evse_status", twin="office", evse="1", status="Available") == 1
    assert found("evse_power_watts", twin="office", evse="2") == 50.0
    assert found("evse_energy_joules_total", twin="office", evse="2") == 7_200.0
    assert found("evse_meter_stale", twin="office", evse="2") == 1
    single = {kind.name.removesuffix("_total") for kind in SECTIONS["Single twins"]}
    assert single.isdisjoint((await World(tmp_path).read()).families)


async def test_the_loop_goes_on_while_thousands_of_twins_are_written(tmp_path):
    world = World(tmp_path, twins=("*",))
    world.fleet.twins = {f"t{number}": 1 for number in range(500)}
    census = await CensusTaker(world.fleet, ("*",)).take()
    async with counted() as turns:
        await families(world.sources, census, world.options)
    assert turns() >= 5


async def test_no_secret_is_shown(world):
    world.fleet.twins = {"garage": 1}
    world.sources.publisher.noted("garage", Note("authorized", {"id_tag": "04A2B3C4"}, 0.0))
    world.sources.router.handle(Incoming("ocpp-twin/garage/1/cmd/swipe", b"04A2B3C4 ", lambda: None))
    census = await CensusTaker(world.fleet).take()
    registry = CollectorRegistry()
    registry.register(_Read(await families(world.sources, census, world.options)))
    text = generate_latest(registry).decode()
    assert "04A2B3C4" not in text
    assert "secret" not in text
    assert "ws://" not in text
