"""The values of all metrics, as families that Prometheus' client writes: read when somebody scrapes, not before."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, assert_never

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from bridge.monitoring.catalogue import KINDS, Kind
from bridge.monitoring.census import Census
from bridge.monitoring.options import HttpOptions
from bridge.monitoring.sources import Sources
from bridge.payloads import EVENT_DATA
from bridge.refusals import Code
from twin.fleet import Histogram, Tally
from twin.model.view import TwinFigures

JOULES_PER_WH = 3600.0
_SLICE = 100

_Samples: TypeAlias = Iterable[tuple[tuple[str, ...], float]]


async def families(sources: Sources, census: Census, options: HttpOptions) -> list[Metric]:
    """Return all families; those of single twins are made in slices, so that the loop goes on."""
    return [
        *_daemon(sources, options),
        *_twins(census, sources),
        *_ocpp(sources.fleet.tally, census),
        *_mqtt(sources),
        *_store(sources),
        *await _single(census.single),
    ]


def _daemon(sources: Sources, options: HttpOptions) -> Iterator[Metric]:
    runs = (options.node, options.version, platform.python_version())
    yield _labelled("build_info", [(runs, 1)])
    yield _plain("start_time_seconds", sources.info.started_at)
    yield _plain("clock_rate", sources.info.clock_rate())
    yield _spread("event_loop_lag_seconds", sources.lag.spread)


def _twins(census: Census, sources: Sources) -> Iterator[Metric]:
    yield _plain("twins", census.twins)
    yield _plain("twins_connected", census.connected)
    yield _counted("twins_by_registration", census.registrations)
    yield _counted("evses", census.statuses)
    yield _plain("evses_charging", census.charging)
    yield _plain("meters_stale", census.stale)
    yield _plain("power_watts", census.power_w)
    yield _plain("energy_joules_total", census.energy_wh * JOULES_PER_WH)
    # With zeros: what happens for the first time would not show as an increase.
    yield _counted("events_total", {**dict.fromkeys((*EVENT_DATA, "internal_error"), 0), **sources.publisher.told})


def _ocpp(tally: Tally, census: Census) -> Iterator[Metric]:
    yield _labelled("ocpp_sent_total", tally.actions_out.items())
    yield _labelled("ocpp_received_total", tally.actions_in.items())
    yield _spread("ocpp_call_duration_seconds", tally.round_trips)
    yield _plain("ocpp_call_timeouts_total", tally.timeouts)
    yield _counted("ocpp_call_errors_total", tally.call_errors)
    yield _counted("ocpp_protocol_errors_total", tally.protocol_errors)
    yield _counted("ocpp_messages_dropped_total", tally.dropped)
    yield _plain("ocpp_queued_messages", census.queued)
    yield _plain("ocpp_queued_twins", census.queues)
    yield _plain("ocpp_longest_queue", census.longest_queue)
    yield _plain("ocpp_connections_opened_total", tally.links_opened)
    yield _plain("ocpp_connections_closed_total", tally.links_lost)
    yield _counted("ocpp_connections_failed_total", tally.links_failed)


def _mqtt(sources: Sources) -> Iterator[Metric]:
    publisher, router, client = sources.publisher, sources.router, sources.client
    yield _plain("mqtt_connected", publisher.is_connected)
    yield _plain("mqtt_connects_total", client.connects_total)
    yield _plain("mqtt_failures_total", client.failures_total)
    yield _plain("mqtt_received_total", router.in_total)
    yield _plain("mqtt_sent_total", publisher.sent_total)
    yield _plain("mqtt_backlog_messages", publisher.waiting)
    yield _counted("mqtt_dropped_total", publisher.dropped)
    yield _counted("commands_refused_total", {**dict.fromkeys(Code, 0), **router.refusals})
    yield _plain("sensors_stale", sources.real.feed.stale)
    yield _plain("home_assistant_twins", sources.announcer.announced)


def _store(sources: Sources) -> Iterator[Metric]:
    tally = sources.fleet.tally
    yield _spread("store_commit_seconds", tally.commits)
    yield _plain("store_rows_total", tally.rows)
    yield _plain("store_journal_entries_total", tally.journal_entries)
    yield _counted("store_size_bytes", dict(sources.sizes()))


async def _single(found: list[tuple[str, TwinFigures]]) -> list[Metric]:
    single = {
        name: _family(KINDS[name])
        for name in (
            *("twin_connected", "twin_queued_messages"),
            *("evse_status", "evse_power_watts", "evse_energy_joules_total", "evse_meter_stale"),
        )
    }
    for number, (twin_id, figures) in enumerate(found, start=1):
        _add(single, twin_id, figures)
        if number % _SLICE == 0:
            await asyncio.sleep(0)
    return [family for family in single.values() if family.samples]


def _add(single: Mapping[str, GaugeMetricFamily | CounterMetricFamily], twin_id: str, figures: TwinFigures) -> None:
    single["twin_connected"].add_metric([twin_id], figures.connected)
    single["twin_queued_messages"].add_metric([twin_id], figures.queued)
    for number, evse in enumerate(figures.evses, start=1):
        place = [twin_id, str(number)]
        single["evse_status"].add_metric([*place, evse.status], 1)
        single["evse_power_watts"].add_metric(place, evse.power_w)
        single["evse_energy_joules_total"].add_metric(place, evse.energy_wh * JOULES_PER_WH)
        single["evse_meter_stale"].add_metric(place, evse.stale)


def _family(kind: Kind) -> GaugeMetricFamily | CounterMetricFamily:
    match kind.type:
        case "gauge":
            return GaugeMetricFamily(kind.name, kind.help, labels=kind.labels)
        case "counter":
            return CounterMetricFamily(kind.name, kind.help, labels=kind.labels)
        case "histogram":
            raise TypeError(f"{kind.name} is a histogram: it has no single values")
        case _:
            assert_never(kind.type)


def _plain(name: str, value: float) -> Metric:
    return _labelled(name, [((), value)])


def _counted(name: str, values: Mapping[Any, float]) -> Metric:
    return _labelled(name, (((key,), value) for key, value in values.items()))


def _labelled(name: str, samples: _Samples) -> Metric:
    family = _family(KINDS[name])
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _spread(name: str, found: Histogram) -> Metric:
    kind = KINDS[name]
    buckets = [("+Inf" if bound == float("inf") else str(bound), count) for bound, count in found.cumulative()]
    family = HistogramMetricFamily(kind.name, kind.help)
    family.add_metric([], buckets, found.sum)
    return family
