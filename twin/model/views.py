"""What a twin shows of itself, computed from its state when somebody looks."""

from __future__ import annotations

from twin.model import evse, logs, metering, power, reserved
from twin.model.box import Box
from twin.model.state import Evse
from twin.model.terms import Instant, Part, Quantity
from twin.model.view import (
    EvseFigures,
    EvseView,
    LimitView,
    MeterView,
    PartView,
    SessionView,
    StationView,
    TwinFigures,
    TwinView,
)


def whole(box: Box, now: Instant) -> TwinView:
    """Show everything."""
    return TwinView(
        station(box),
        tuple(of_evse(box, one) for one in box.evses),
        tuple(meter(box, one, now) for one in box.evses),
        tuple(limit(box, one, now) for one in box.evses),
        tuple(session(one, now) for one in box.evses),
    )


def part(box: Box, which: Part, now: Instant) -> PartView:
    """Show one part."""
    kind, number = which
    match kind:
        case "station":
            return station(box)
        case "evse":
            return of_evse(box, box.evse(number))
        case "meter":
            return meter(box, box.evse(number), now)
        case "limit":
            return limit(box, box.evse(number), now)
        case "session":
            return session(box.evse(number), now)


def figures(box: Box, queued: int, now: Instant) -> TwinFigures:
    """Show the figures; the queue is not ours to know."""
    evses = [
        EvseFigures(
            one.status,
            is_charging(one),
            metering.power_w(one),
            one.register.read(now),
            bool(one.external.stale),
        )
        for one in box.evses
    ]
    return TwinFigures(box.connection.up, box.connection.registration, queued, evses)


def station(box: Box) -> StationView:
    """Show the station; the queue is not ours to know."""
    spec, common, connection = box.spec, box.common, box.connection
    return StationView(
        identity=spec.identity,
        ocpp_version="1.6",
        csms_url=spec.csms.url,
        connected=connection.up,
        connected_at=connection.since,
        registration=connection.registration,
        status=common.status,
        error_code=evse.error_of(common)[0],
        queued_messages=0,
        last_heartbeat_at=box.station.last_heartbeat_at,
        vendor=spec.vendor,
        model=spec.model,
        serial_number=spec.serial_number,
        firmware_version=box.firmware_version,
        firmware_status=None if box.station.firmware_told is None else box.station.firmware_told.status,
        diagnostics_status=None if box.station.log_told is None else logs.word(box.station.log_told),
        local_list_version=box.local_list.version,
        security_profile=box.variables.integer("SecurityCtrlr.SecurityProfile"),
        powered=box.station.powered,
        network=box.station.network,
        door_open=box.station.door_open,
    )


def is_charging(one: Evse) -> bool:
    """Tell whether energy flows into a session: a real box may let it where none is offered."""
    return one.session is not None and metering.power_w(one) >= metering.IDLE_W


def of_evse(box: Box, one: Evse) -> EvseView:
    """Show an EVSE."""
    running, grant, kept = one.session, one.grant, reserved.of(box, one.number)
    code, info, _, _ = evse.error_of(one)
    token = running.token if running is not None else grant.token if grant is not None else None
    return EvseView(
        status=one.status,
        error_code=code,
        error_info=info,
        status_at=one.status_at,
        plugged=one.plugged,
        ev_ready=one.ev_ready,
        locked=one.locked and one.cable,
        available=evse.is_in_service(one, box.common),
        charging=is_charging(one),
        id_tag=token,
        authorized=grant is not None or (running is not None and not running.suspended),
        transaction_id=None if running is None else running.transaction_id,
        session_id=None if running is None else running.id,
        reservation_id=None if kept is None else kept.id,
        reserved_for=None if kept is None else kept.token,
        reserved_until=None if kept is None else kept.until,
        ev=one.ev_name,
        meter_source=metering.source_of(one.external),
    )


def meter(box: Box, one: Evse, now: Instant) -> MeterView:
    """Show an EVSE's meter."""
    spec = box.hardware(one.number)
    phases = power.phases(box, one, now)
    currents, volts = metering.currents_a(one, spec, phases), metering.voltages_v(one, spec)
    used = [current for current in currents[:phases] if current is not None]
    values = one.external.live
    return MeterView(
        at=now,
        power_w=metering.power_w(one),
        energy_wh=one.register.read(now),
        current_a=sum(used) / len(used) if used else None,
        current_l1_a=currents[0],
        current_l2_a=currents[1],
        current_l3_a=currents[2],
        voltage_l1_v=volts[0],
        voltage_l2_v=volts[1],
        voltage_l3_v=volts[2],
        frequency_hz=values.get(Quantity.FREQUENCY_HZ, metering.FREQUENCY_HZ),
        power_factor=1.0,
        soc_pct=metering.soc_pct(one, now),
        temperature_c=values.get(Quantity.TEMPERATURE_C, metering.TEMPERATURE_C),
        stale=bool(one.external.stale),
    )


def limit(box: Box, one: Evse, now: Instant) -> LimitView:
    """Show what an EVSE may draw."""
    return power.limit(box, one, now)


def session(one: Evse, now: Instant) -> SessionView:
    """Show the running session, or the last one."""
    shown = one.session or one.last
    if shown is None:
        return SessionView()
    end_wh = one.register.read(now) if shown.meter_stop_wh is None else shown.meter_stop_wh
    end_at = now if shown.ended_at is None else shown.ended_at
    return SessionView(
        session_id=shown.id,
        transaction_id=shown.transaction_id,
        active=one.session is not None,
        id_tag=shown.token,
        started_at=shown.started_at,
        ended_at=shown.ended_at,
        meter_start_wh=shown.meter_start_wh,
        meter_stop_wh=shown.meter_stop_wh,
        energy_wh=max(0.0, end_wh - shown.meter_start_wh),
        duration_s=max(0.0, end_at - shown.started_at),
        stop_reason=shown.reason,
    )
