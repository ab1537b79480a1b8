"""What the view of one twin tells in words: facts of the station and an EVSE, events, frames.

Makes texts of what is known; where they stand on the screen is the view's business.
"""

from __future__ import annotations

from typing import TypeAlias

from rich.text import Text

from bridge.watching import looks, palette, printing
from bridge.watching.frames import Frame, Kind
from bridge.watching.knowledge import Connector, Knowledge, Twin
from bridge.watching.shapes import Event, Evse, Limit, Meter, Session
from bridge.wording import sentence

Fact: TypeAlias = tuple[str, Text]

_BAD_EVENTS = frozenset(
    {
        *("fault", "authorization_failed", "transaction_rejected", "protocol_error", "message_dropped"),
        *("emergency_stop", "actuation_failed", "sensor_stale", "internal_error", "disconnected"),
    }
)
_EVENT_STYLES = {"status_changed": f"bold {palette.GOOD}"}
_SHORT_ACTION = 20


def title(twin: Twin, known: Knowledge) -> Text:
    """Name a twin and say how it stands with its Central System."""
    sign, style, words = looks.uplink(twin, known)
    station = twin.station
    text = Text.assemble((twin.id, "bold"), "  ")
    if station.identity not in ("", twin.id):
        text.append(f"{station.identity}  ")
    text.append(f"{station.vendor} {station.model} {station.firmware_version or ''}".strip() + "  ", palette.DIM)
    return text.append(f"{sign} {words}", style)


def station(twin: Twin) -> Text:
    """Tell the rest of a station in a line."""
    shown = twin.station
    text = Text.assemble(
        ("queue ", palette.DIM), (f"{shown.queued_messages:,}", palette.WARN if shown.queued_messages else "")
    )
    for word, good in (("mains", shown.powered), ("network", shown.network)):
        text.append(f"  {word} ", palette.DIM).append("on" if good else "OFF", "" if good else palette.BAD)
    if shown.door_open:
        text.append("  door open", palette.BAD)
    if shown.error_code not in ("", "NoError"):
        text.append(f"  {shown.error_code}", palette.BAD)
    if shown.firmware_status not in (None, "Idle", "Installed"):
        text.append(f"  firmware {shown.firmware_status}", palette.WARN)
    return text.append(f"  {shown.csms_url}", palette.DIM)


def evse(connector: Connector) -> list[Fact]:
    """Tell an EVSE's facts, the important ones first."""
    shown, meter = connector.evse, connector.meter
    facts = [
        ("Status", _status(shown)),
        ("Car", _car(shown)),
        ("Card", _card(shown)),
        ("Session", _session(connector.session)),
        ("Power", _power(meter)),
        ("Meter", _meter(meter)),
        *_offered(connector),
    ]
    return [*facts, *_more(connector)]


def _offered(connector: Connector) -> list[Fact]:
    limit = connector.limit
    if not connector.session.active and not limit.allowed:
        return [("Limit", Text("no session, no energy", palette.DIM))]
    return [("Limit", _limit(limit)), ("set by", _source(limit))]


def _status(shown: Evse) -> Text:
    text = looks.status(shown.status)
    if shown.error_code not in ("", "NoError"):
        text.append(f"  {shown.error_code}", palette.BAD)
        text.append(f" {shown.error_info}" if shown.error_info else "", palette.BAD)
    return text


def _car(shown: Evse) -> Text:
    if not shown.plugged:
        return Text("not plugged in", palette.DIM)
    wants = "wants energy" if shown.ev_ready else "wants none"
    return Text(f"plugged, {wants}" + (f" ({shown.ev})" if shown.ev else ""))


def _card(shown: Evse) -> Text:
    if shown.id_tag is not None:
        return Text.assemble((shown.id_tag, "bold"), "" if shown.authorized else " not authorized")
    if shown.reserved_for is not None:
        return Text(f"reserved for {shown.reserved_for}", palette.BOOKED)
    return Text("none", palette.DIM)


def _session(session: Session) -> Text:
    if session.active:
        number = "" if session.transaction_id is None else f"  no. {session.transaction_id}"
        return Text(f"{looks.lasts(session)}  {looks.energy(session.energy_wh or 0.0)}{number}")
    if session.started_at is None:
        return Text("none yet", palette.DIM)
    return Text(f"ended, {looks.energy(session.energy_wh or 0.0)}", palette.DIM)


def _power(meter: Meter) -> Text:
    text = Text(looks.power(meter.power_w), palette.FLOW if meter.power_w else "")
    amps = [value for value in (meter.current_l1_a, meter.current_l2_a, meter.current_l3_a) if value is not None]
    if any(amps):
        told = [f"{value:.1f}" for value in amps]
        same = len(told) > 1 and len(set(told)) == 1
        text.append(f"  {len(told)} × {told[0]} A" if same else f"  {' '.join(told)} A", palette.DIM)
    return text.append("  stale", palette.BAD) if meter.stale else text


def _meter(meter: Meter) -> Text:
    charge = "" if meter.soc_pct is None else f"  battery {meter.soc_pct:.0f} %"
    return Text(looks.energy(meter.energy_wh) + charge)


def _limit(limit: Limit) -> Text:
    if not limit.allowed:
        return Text("nothing may flow", palette.WARN)
    phases = f" {limit.phases}~" if limit.phases else ""
    return Text(f"{looks.power(limit.limit_w)}  {limit.limit_a:g} A{phases}", palette.WARN)


def _source(limit: Limit) -> Text:
    profile = "" if limit.profile_id is None else f" {limit.profile_id}"
    until = f" until {looks.clock(limit.until)}" if limit.until else ""
    return Text(f"{limit.source or '?'}{profile}{until}", palette.DIM)


def _more(connector: Connector) -> list[Fact]:
    shown, meter, session = connector.evse, connector.meter, connector.session
    volts = [value for value in (meter.voltage_l1_v, meter.voltage_l2_v, meter.voltage_l3_v) if value is not None]
    told = {
        "Volts": " ".join(f"{value:.0f}" for value in volts) + " V" if volts else "",
        "Heat": "" if meter.temperature_c is None else f"{meter.temperature_c:.0f} °C",
        "Values": shown.meter_source,
        "Booked": "" if shown.reservation_id is None else f"no. {shown.reservation_id} for {shown.reserved_for}",
        "Began": looks.clock(session.started_at).strip() if session.started_at else "",
        "Ended": f"{looks.clock(session.ended_at).strip()} {session.stop_reason or ''}" if session.ended_at else "",
    }
    return [(name, Text(text, palette.DIM)) for name, text in told.items() if text]


def event(happened: Event, *, numbered: bool) -> Text:
    """Tell an event in a line; `numbered`: name the EVSE, because there are several."""
    text = Text.assemble((looks.clock(happened.at), palette.DIM), " ")
    if numbered:
        text.append(f"{happened.evse or ' '} ", palette.DIM)
    style = (
        palette.BAD
        if happened.type in _BAD_EVENTS
        else f"bold {palette.GOOD}"
        if happened.type == "status_changed"
        else ""
    )
    try:
        words = sentence(happened.type, happened.data)
    except (AttributeError, KeyError, TypeError, ValueError):
        words = happened.type  # of another version of the daemon, or not of a daemon at all
    return text.append(printing.harmless(words), style)


def frame(shown: Frame, width: int) -> Text:
    """Tell a frame in a line that is cut after `width` cells."""
    colour = palette.FRAMES["ERROR" if shown.kind is Kind.ERROR else shown.direction]
    text = Text.assemble(
        (f"{shown.at.astimezone():%H:%M:%S} ", palette.DIM), (printing.ARROWS[shown.direction], f"bold {colour}")
    )
    action = printing.harmless(shown.action or "?")
    text.append(f" {action:{_SHORT_ACTION}}" if width > 60 else f" {action}", colour)
    if shown.took_ms is not None:
        text.append(f" {printing.took(shown)}", "bold")
    text.append(f" {printing.body(shown)[:width]}", palette.DIM)
    return text


def whole_frame(shown: Frame, width: int) -> list[Text]:
    """Tell a frame with all that it carries, in as many lines as that takes."""
    return printing.lines(shown, width, palette.FRAMES)
