"""From a payload to what is to be done: a Command of the twin, an OCPP call, or a raw frame.

Decides what a payload means and says exactly where it is wrong; knows nothing about twins' states.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from bridge import intake
from bridge.intake import PlaceCall, SendFrame
from bridge.reading import read
from bridge.refusals import Code, Refused, nearest
from twin.model import inputs
from twin.model.inputs import Command
from twin.model.spec import EvSpec
from twin.model.terms import ErrorCode, Instant, MeterSource, Quantity, ResetKind, StopReason

Act: TypeAlias = Command | PlaceCall | SendFrame


@dataclass(frozen=True, slots=True)
class Order:
    """Say what a message wants done. `at` is when it was measured, where the sender says so."""

    act: Act
    request_id: str | None
    at: Instant | None


@dataclass(frozen=True, slots=True)
class Scene:
    """Say what a payload is read for: the EVSE (0 is the station) of how many, the time, the known car models."""

    evse: int
    evse_count: int
    now: Instant
    cars: Mapping[str, EvSpec]


def model_of(name: str, *, evse: bool) -> type[intake.Taken] | None:
    """Return the model of a command such as `set/plugged`; None for an unknown one."""
    return (intake.EVSE if evse else intake.STATION).get(name)


def order(name: str, model: type[intake.Taken], payload: bytes, scene: Scene) -> Order:
    """Read the payload of a command such as `cmd/swipe`. Raises Refused with `bad_json`, `bad_value` or the like."""
    taken = read(payload, model)
    act = _act(name, taken, scene)
    return Order(act, taken.request_id, None if taken.at is None else min(taken.at, scene.now))


def _act(name: str, taken: intake.Taken, scene: Scene) -> Act:
    if isinstance(taken, SendFrame):
        return taken
    if isinstance(taken, PlaceCall):
        _refuse_unwritable(taken.payload)
        return taken
    return _BUILD[name](taken, scene)


def _refuse_unwritable(payload: dict[str, Any]) -> None:
    """Refuse what was read but cannot be written as strict JSON: NaN, infinities, numbers over 64 bits."""
    try:
        json.dumps(payload, allow_nan=False)
        msgspec.json.encode(payload)
    except (ValueError, RecursionError):
        raise Refused(Code.BAD_VALUE, "holds NaN or an infinity, or is nested too deeply", "/payload") from None
    except OverflowError:
        raise Refused(Code.OUT_OF_RANGE, "holds a number of more than 64 bits", "/payload") from None


# --- One function for each kind of command ----------------------------------------------------------------------------


def _plug(taken: intake.Plugged, scene: Scene) -> Command:
    car = taken.ev.spec() if isinstance(taken.ev, intake.Car) else None
    if isinstance(taken.ev, str):
        car = scene.cars.get(taken.ev)
        if car is None:
            known = ", ".join(sorted(scene.cars)) or "none"
            detail = f"no car model is called {taken.ev!r} (known: {known}){nearest(taken.ev, scene.cars)}"
            raise Refused(Code.BAD_VALUE, detail, "/ev")
    if not taken.value:
        return inputs.Unplug(evse=scene.evse, request_id=taken.request_id)
    return inputs.PlugIn(evse=scene.evse, ev=car, request_id=taken.request_id)


def _report(values: Mapping[Quantity, float], taken: intake.Measured, scene: Scene) -> Command:
    at = None if taken.at is None else min(taken.at, scene.now)
    return inputs.ReportMeter(
        evse=scene.evse, values=values, at=at, max_age_s=taken.max_age_s, request_id=taken.request_id
    )


def _quantity(quantity: Quantity) -> Callable[[Any, Scene], Command]:
    return lambda taken, scene: _report({quantity: taken.value}, taken, scene)


def _meter(taken: intake.MeterLevel, scene: Scene) -> Command:
    values = taken.quantities() if taken.value is None else taken.value.quantities() | taken.quantities()
    if not values:
        raise Refused(Code.BAD_VALUE, f"holds none of {', '.join(Quantity)}", "")
    return _report(values, taken, scene)


def _meter_source(taken: intake.MeterSourceLevel, scene: Scene) -> Command:
    source = MeterSource(taken.value)
    if taken.fallback and source is MeterSource.SIMULATED:
        raise Refused(Code.BAD_VALUE, "fallback goes with external: what is simulated needs none", "/fallback")
    return inputs.UseMeterSource(
        evse=scene.evse,
        source=source,
        values=tuple(taken.values or ()),
        fallback=bool(taken.fallback),
        request_id=taken.request_id,
    )


def _fault(taken: intake.StationFault, scene: Scene) -> Command:
    if taken.value is ErrorCode.NO_ERROR:
        return inputs.ClearFault(evse=scene.evse, fault_id=taken.id, request_id=taken.request_id)
    return inputs.SetFault(
        evse=scene.evse,
        code=taken.value,
        fault_id=taken.id or "",
        info=taken.info,
        vendor_id=taken.vendor_id,
        vendor_error_code=taken.vendor_error_code,
        request_id=taken.request_id,
    )


def _swipe_shared(taken: intake.StationSwipe, scene: Scene) -> Command:
    evses = tuple(taken.evses or ())
    for index, evse in enumerate(evses):
        if evse > scene.evse_count:
            detail = f"there are {scene.evse_count} EVSEs, no number {evse}"
            raise Refused(Code.OUT_OF_RANGE, detail, f"/evses/{index}")
    return inputs.PresentToken(token=taken.value, evses=evses, request_id=taken.request_id)


_EVSE_BUILD: dict[str, Callable[[Any, Scene], Command]] = {
    "set/plugged": _plug,
    "set/ev_ready": lambda taken, at: inputs.SetEvReady(evse=at.evse, ready=taken.value, request_id=taken.request_id),
    **{f"set/{quantity}": _quantity(quantity) for quantity in Quantity},
    "set/meter": _meter,
    "set/meter_source": _meter_source,
    "set/fault": _fault,
    "set/lock_jammed": lambda taken, at: inputs.JamLock(evse=at.evse, jammed=taken.value, request_id=taken.request_id),
    "cmd/stop": lambda taken, at: inputs.PressStop(
        evse=at.evse, reason=taken.value or StopReason.LOCAL, request_id=taken.request_id
    ),
    "cmd/unplug_ev_side": lambda taken, at: inputs.UnplugEvSide(evse=at.evse, request_id=taken.request_id),
}

_STATION_BUILD: dict[str, Callable[[Any, Scene], Command]] = {
    "set/powered": lambda taken, _: inputs.SetPowered(powered=taken.value, request_id=taken.request_id),
    "set/network": lambda taken, _: inputs.SetNetwork(network=taken.value, request_id=taken.request_id),
    "set/door_open": lambda taken, _: inputs.SetDoorOpen(open=taken.value, request_id=taken.request_id),
    "set/firmware_outcome": lambda taken, _: inputs.SetFirmwareOutcome(
        outcome=taken.value, version=taken.version, request_id=taken.request_id
    ),
    "set/reset_fails": lambda taken, _: inputs.SetResetFails(fails=taken.value, request_id=taken.request_id),
    "cmd/security_event": lambda taken, _: inputs.RaiseSecurityEvent(
        kind=taken.type, tech_info=taken.tech_info, request_id=taken.request_id
    ),
    "cmd/reset": lambda taken, _: inputs.PressReset(kind=taken.value or ResetKind.SOFT, request_id=taken.request_id),
    "cmd/drop_link": lambda taken, _: inputs.DropLink(request_id=taken.request_id),
    "cmd/boot": lambda taken, _: inputs.Boot(request_id=taken.request_id),
    "cmd/clear_queue": lambda taken, _: inputs.ClearQueue(request_id=taken.request_id),
}

_BOTH_BUILD: dict[str, Callable[[Any, Scene], Command]] = {
    "cmd/swipe": lambda taken, at: (
        inputs.PresentToken(token=taken.value, evse=at.evse, request_id=taken.request_id)
        if at.evse
        else _swipe_shared(taken, at)
    ),
    "cmd/emergency_stop": lambda taken, at: inputs.EmergencyStop(evse=at.evse or None, request_id=taken.request_id),
}

_BUILD = _EVSE_BUILD | _STATION_BUILD | _BOTH_BUILD
