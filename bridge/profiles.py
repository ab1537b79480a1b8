"""The output profiles: what is published of twins, and how often, for a house as well as for ten thousand twins.

Decides that as plain values. Results, errors and refusals are in every profile; what else a profile leaves out is not
published at all. Knows neither topics nor payloads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

ProfileName: TypeAlias = Literal["home", "fleet", "quiet"]
EvsePart: TypeAlias = Literal["evse", "limit", "meter", "session"]

EVSE_PARTS: tuple[EvsePart, ...] = ("evse", "limit", "meter", "session")
"""What is shown of an EVSE, in the order in which it is shown."""

OF_TRAFFIC = "traffic-"
"""The request ids of cars that come by themselves begin so: nobody waits for what follows from them."""

_TOLD_WHEN_QUIET = frozenset(
    {
        "transaction_started",
        "transaction_rejected",
        "transaction_stopped",
        "authorization_failed",
        "emergency_stop",
        "fault",
        "fault_cleared",
        "message_dropped",
        "protocol_error",
        "sensor_stale",
        "actuation_failed",
    }
)


@dataclass(frozen=True, slots=True)
class Output:
    """Say what is published of twins. Intervals in seconds; infinite: never by itself.

    `meter_interval_s`: the shortest time between two messages of a meter; None: none at all. `session_interval_s`: how
    often a running session is refreshed. `station_interval_s`: how often it is told that only the queue's length or the
    last heartbeat is another one. `events`: those that are told although no command caused them; None: all.
    `calm`: what flows on (energy, time, a queue) waits for its interval, and EVSEs take turns within it.
    """

    profile: ProfileName = "home"
    meter_interval_s: float | None = 1.0
    session_interval_s: float = 10.0
    station_interval_s: float = 0.0
    limits: bool = True
    events: frozenset[str] | None = None
    calm: bool = False

    @property
    def shown(self) -> tuple[EvsePart, ...]:
        """Return what is shown of an EVSE."""
        return tuple(part for part in EVSE_PARTS if part not in self.hidden)

    @property
    def hidden(self) -> frozenset[EvsePart]:
        """Return what is not shown of an EVSE: nothing may stand retained of it."""
        found: set[EvsePart] = set() if self.limits else {"limit"}
        return frozenset(found if self.meter_interval_s is not None else found | {"meter"})

    def tells(self, event: str, request_id: str | None) -> bool:
        """Tell whether an event is published: what follows from a command always is."""
        if self.events is None or event in self.events:
            return True
        return request_id is not None and not request_id.startswith(OF_TRAFFIC)


_OUTPUTS: dict[ProfileName, Output] = {
    "home": Output(),
    "fleet": Output("fleet", 60.0, 60.0, 60.0, calm=True),
    "quiet": Output("quiet", None, math.inf, 600.0, limits=False, events=_TOLD_WHEN_QUIET, calm=True),
}


def output(
    profile: ProfileName, *, meter_interval_s: float | None = None, session_interval_s: float | None = None
) -> Output:
    """Return what a profile says, but for the intervals that are given."""
    found = _OUTPUTS[profile]
    if meter_interval_s is not None:
        found = replace(found, meter_interval_s=meter_interval_s)
    return found if session_interval_s is None else replace(found, session_interval_s=session_interval_s)
