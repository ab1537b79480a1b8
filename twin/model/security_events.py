"""Security events: all are noted, for MQTT and the security log; some go to the Central System (whitepaper A04, §8)."""

from __future__ import annotations

from twin.model.box import Step
from twin.model.effects import SecurityEvent

PROFILE = "SecurityCtrlr.SecurityProfile"

CRITICAL = frozenset(
    {
        "FirmwareUpdated",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "MemoryExhaustion",
        "TamperDetectionActivated",
    }
)
"""The events that the Central System is told of (Security whitepaper §8; SEC-22)."""

INVALID_MESSAGES_S = 600.0
MEMORY_S = 3600.0
"""How long such an event stands for the like that follow, in seconds."""

_MAX_KIND = 50
_MAX_INFO = 255


def event(step: Step, kind: str, tech_info: str | None = None, *, asked: bool = False) -> None:
    """Note a security event, and tell it to the Central System if it is critical and security is in use (A04.FR.01).

    `asked`: somebody caused it on purpose, or the Central System waits for it as for the outcome of what it asked for;
    then it is told whatever its kind, at every security profile (TamperDetectionActivated; A02.FR.07, L01.FR.02, .03).
    """
    kind, info = kind[:_MAX_KIND], None if tech_info is None else tech_info[:_MAX_INFO]
    step.note("security_event", security_type=kind, tech_info=info)
    if asked or (kind in CRITICAL and step.box.variables.integer(PROFILE) >= 1):
        step.tell(SecurityEvent(kind, step.own_now, info), durable=True)


def reconfigured(step: Step, what: str) -> None:
    """Note that something about security was changed, by its name and never by its content (A01.FR.11, .12)."""
    event(step, "ReconfigurationOfSecurityParameters", what)


def started(step: Step) -> None:
    """Note that the box begins to run."""
    step.box.station.started = True
    event(step, "StartupOfTheDevice", step.box.station.boot_reason)


def misheard(step: Step, description: str) -> None:
    """Note that something came that is no valid OCPP message, but not each time."""
    connection = step.box.connection
    if connection.misheard_at is None or step.now - connection.misheard_at >= INVALID_MESSAGES_S:
        connection.misheard_at = step.now
        event(step, "InvalidMessages", description)


def exhausted(step: Step) -> None:
    """Note that there is no room for more messages, but not for each that is lost."""
    connection = step.box.connection
    if connection.exhausted_at is None or step.now - connection.exhausted_at >= MEMORY_S:
        connection.exhausted_at = step.now
        event(step, "MemoryExhaustion", "The queue of messages is full")
