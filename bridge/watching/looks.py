"""How numbers, times and statuses are written on the screens: one place for signs, colours and units.

Everything that has a colour has a sign or a word as well, for those who see none.
"""

from __future__ import annotations

from datetime import UTC, datetime

from rich.text import Text

from bridge.watching import palette
from bridge.watching.frames import moment
from bridge.watching.knowledge import Knowledge, Twin
from bridge.watching.shapes import Session

STATUSES = {
    "Available": ("○", palette.GOOD),
    "Preparing": ("◔", palette.WARN),
    "Charging": ("▶", f"bold {palette.FLOW}"),
    "SuspendedEV": ("‖", palette.PAUSED),
    "SuspendedEVSE": ("‖", palette.PAUSED),
    "Finishing": ("◕", palette.WARN),
    "Reserved": ("◇", palette.BOOKED),
    "Unavailable": ("–", palette.DIM),
    "Faulted": ("✖", f"bold {palette.BAD}"),
}
"""The sign and the colour of each status of OCPP 1.6 §7.7."""

_UNKNOWN = ("·", palette.DIM)


def status(name: str) -> Text:
    """Write a status with its sign."""
    sign, style = STATUSES.get(name, _UNKNOWN)
    return Text(f"{sign} {name or 'unknown'}", style)


def uplink(twin: Twin, known: Knowledge) -> tuple[str, str, str]:
    """Return sign, colour and words for a twin's connection to its Central System."""
    if not known.runs(twin):
        return "·", palette.DIM, "not running"
    if not twin.station.powered:
        return "◌", palette.DIM, "no mains"
    if not twin.station.connected:
        return "○", palette.BAD, "offline"
    if twin.station.registration != "Accepted":
        return "◐", palette.WARN, twin.station.registration or "connected"
    return "●", palette.GOOD, "connected"


def power(watts: float) -> str:
    """Write a power in kW, in MW where it is very large."""
    if abs(watts) >= 9_999_500:
        return f"{watts / 1e6:,.2f} MW"
    return f"{watts / 1000:,.2f} kW" if abs(watts) < 999_995 else f"{watts / 1000:,.0f} kW"


def energy(watt_hours: float) -> str:
    """Write an energy in kWh, with as many decimals as there is room for."""
    value = watt_hours / 1000
    return f"{value:,.3f} kWh" if abs(value) < 100 else f"{value:,.1f} kWh"


def duration(seconds: float) -> str:
    """Write how long something took: 0:42, 12:03, 1:02:03, 2 d 03:04."""
    whole = max(int(seconds), 0)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days} d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def lasts(session: Session, now: datetime | None = None) -> str:
    """Write how long a session has lasted, nothing where that is not known."""
    at = moment(session.started_at or "")
    if at is None:
        return ""
    # A twin whose clock runs faster than ours may have started in our future.
    return duration(max(((now or datetime.now(UTC)) - at).total_seconds(), session.duration_s or 0.0))


def clock(text: str) -> str:
    """Write a time of the daemon as the time of the day here."""
    at = moment(text)
    return "        " if at is None else f"{at.astimezone():%H:%M:%S}"


def plural(count: int, word: str) -> str:
    """Write a number of things."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
