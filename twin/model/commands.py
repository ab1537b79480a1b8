"""What happens physically: a cable, a card, a button, a fault, the mains. Checked first, then done (R1, R2)."""

from __future__ import annotations

from typing import assert_never

from twin.errors import Rejected
from twin.model import (
    cable,
    charging,
    firmware,
    outage,
    reader,
    registration,
    security_events,
    sensors,
    service,
    status,
    transfers,
)
from twin.model.box import Box, Step
from twin.model.effects import Drop, Forget, Power
from twin.model.inputs import (
    Boot,
    ClearFault,
    ClearQueue,
    Command,
    DropLink,
    EmergencyStop,
    JamLock,
    PlugIn,
    PresentToken,
    PressReset,
    PressStop,
    RaiseSecurityEvent,
    ReportMeter,
    SetDoorOpen,
    SetEvReady,
    SetFault,
    SetFirmwareOutcome,
    SetNetwork,
    SetPowered,
    SetResetFails,
    Unplug,
    UnplugEvSide,
    UseMeterSource,
)
from twin.model.state import Car, Evse
from twin.model.terms import BootReason, StopReason


def handle(step: Step, command: Command) -> None:
    """Carry a command out, or raise Rejected before anything has changed."""
    match command:
        case PlugIn() | Unplug() | SetEvReady() | UnplugEvSide() | JamLock():
            _at_cable(step, command)
        case ReportMeter() | UseMeterSource():
            _at_meter(step, command)
        case SetFault():
            fault = service.fault(command.code, command.info, command.vendor_id, command.vendor_error_code)
            service.set_fault(step, _evse(step.box, command.evse, least=0), command.fault_id, fault)
        case ClearFault():
            service.clear_fault(step, _evse(step.box, command.evse, least=0), command.fault_id)
        case SetPowered() | SetNetwork() | SetDoorOpen() | DropLink() | Boot() | ClearQueue() | PressReset():
            _at_station(step, command)
        case SetFirmwareOutcome():
            firmware.set_outcome(step, command)
        case SetResetFails():
            outage.set_reset_fails(step, fails=command.fails)
        case RaiseSecurityEvent():
            _needs_power(step.box)
            security_events.event(step, command.kind, command.tech_info, asked=True)
        case PresentToken():
            _present(step, command)
        case PressStop():
            _needs_power(step.box)
            charging.press_stop(step, _evse(step.box, command.evse), command.reason)
        case EmergencyStop():
            _needs_power(step.box)
            evses = step.box.evses if command.evse is None else [_evse(step.box, command.evse)]
            charging.emergency_stop(step, evses, command.evse or 0)
        case _:
            assert_never(command)


def _evse(box: Box, number: int, *, least: int = 1) -> Evse:
    if not least <= number <= len(box.evses):
        raise Rejected("unknown_evse", f"there is no EVSE {number}, the box has {len(box.evses)}")
    return box.evse(number)


def _needs_power(box: Box) -> None:
    if not box.station.powered:
        raise Rejected("state_conflict", "the box has no power")
    if box.station.up_at is not None:
        raise Rejected("state_conflict", "the box is rebooting")


def _present(step: Step, command: PresentToken) -> None:
    box = step.box
    _needs_power(box)
    for number in command.evses:
        _evse(box, number)
    if command.evse is not None:
        reader.present(step, _evse(box, command.evse), command.token)
    else:
        reader.present(step, None, command.token, command.evses)


# --- The cable --------------------------------------------------------------------------------------------------------


def _at_cable(step: Step, command: PlugIn | Unplug | SetEvReady | UnplugEvSide | JamLock) -> None:
    evse = _evse(step.box, command.evse)
    match command:
        case PlugIn():
            _plug_in(step, evse, command)
        case Unplug():
            _unplug(step, evse)
        case SetEvReady():
            evse.ev_ready = command.ready
            status.refresh(step, evse.number)
        case UnplugEvSide():
            if not evse.plugged:
                raise Rejected("state_conflict", f"no car is connected to EVSE {evse.number}")
            step.note("unplugged", evse.number, ev=evse.ev_name)
            cable.unplugged(step, evse, cable_stays=True)
        case JamLock():
            service.jam_lock(step, evse, jammed=command.jammed)
        case _:
            assert_never(command)


def _plug_in(step: Step, evse: Evse, command: PlugIn) -> None:
    if evse.plugged and (command.ev is None or (evse.car is not None and evse.car.spec == command.ev)):
        return  # repeating a level changes nothing
    if command.ev is not None:
        evse.car = Car(command.ev, command.ev.soc_pct, evse.register.read(step.now))
    elif not evse.plugged:
        evse.car = None
    if evse.plugged:
        status.refresh(step, evse.number)  # another car at the same cable
        return
    step.note("plugged", evse.number, ev=evse.ev_name)
    cable.plugged_in(step, evse)


def _unplug(step: Step, evse: Evse) -> None:
    if evse.plugged:
        step.note("unplugged", evse.number, ev=evse.ev_name)
        cable.unplugged(step, evse, cable_stays=False)
    elif evse.cable and not evse.locked and evse.session is None:
        cable.cable_removed(step, evse)


# --- The meter --------------------------------------------------------------------------------------------------------


def _at_meter(step: Step, command: ReportMeter | UseMeterSource) -> None:
    evse = _evse(step.box, command.evse)
    if isinstance(command, ReportMeter):
        sensors.report(step, evse, command)
    else:
        sensors.use(evse, command)
    status.refresh(step, evse.number)


# --- The box ----------------------------------------------------------------------------------------------------------


def _at_station(
    step: Step, command: SetPowered | SetNetwork | SetDoorOpen | DropLink | Boot | ClearQueue | PressReset
) -> None:
    box = step.box
    match command:
        case SetPowered():
            _set_powered(step, powered=command.powered)
        case SetNetwork():
            if box.station.network != command.network:
                box.station.network = command.network
                if not command.network:
                    transfers.interrupt_all(step)
                step.do(Power(link=box.wants_link))
        case SetDoorOpen():
            if command.open and not box.station.door_open and box.running:
                security_events.event(step, "TamperDetectionActivated", "The door was opened", asked=True)
            box.station.door_open = command.open
        case DropLink():
            if not box.connection.up:
                raise Rejected("state_conflict", "there is no connection to the Central System")
            step.do(Drop("dropped by command"))
        case Boot():
            _needs_power(box)
            registration.boot_again(step)
        case ClearQueue():
            step.do(Forget())
        case PressReset():
            _needs_power(box)
            if box.station.resetting is not None:
                raise Rejected("state_conflict", "the box is about to reboot")
            if firmware.is_installing(box):
                raise Rejected("state_conflict", "the box is installing new firmware")
            outage.reset(step, command.kind, StopReason.REBOOT, BootReason.LOCAL_RESET)
        case _:
            assert_never(command)
    if isinstance(command, PressReset) or (step.effects and not isinstance(command, SetDoorOpen | ClearQueue)):
        box.station.cause = command.request_id  # the events of the next connection and boot follow from this
    step.changed(0)


def _set_powered(step: Step, *, powered: bool) -> None:
    if powered == step.box.station.powered:
        return
    if powered:
        outage.power_back(step)
    else:
        outage.power_cut(step)
