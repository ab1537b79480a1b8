"""Whether this machine's clock can be right: certificates and the times of OCPP are worth nothing otherwise."""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST_S = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
LATEST_S = datetime(2100, 1, 1, tzinfo=UTC).timestamp()

REMEDY = "set this machine's clock, by NTP if it can be (timedatectl set-ntp true)"


def shown(now: float) -> str:
    """Write an instant (epoch seconds) for a person."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def is_plausible(now: float) -> bool:
    """Tell whether it can be this late (epoch seconds): a machine without a battery begins in 1970."""
    return EARLIEST_S <= now < LATEST_S


def warning(now: float) -> str | None:
    """Return a sentence where a clock (epoch seconds) cannot be right."""
    return None if is_plausible(now) else f"the clock says {shown(now)}, which cannot be: {REMEDY}"
