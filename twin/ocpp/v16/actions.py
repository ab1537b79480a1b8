"""The actions of OCPP 1.6: which of them a charge point serves, and by which feature profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, get_args

from twin.model.variables import FIRMWARE, LOCAL_LIST, REMOTE_TRIGGER, RESERVATION, SMART_CHARGING
from twin.ocpp.v16.messages import core, profiles, security, smart_charging
from twin.ocpp.v16.messages.base import EmptyConf, Message

Request: TypeAlias = core.Request | profiles.Request | smart_charging.Request | security.Request
"""All that the Central System may ask."""

REQUESTS: Mapping[str, type[Message]] = {message.__name__: message for message in get_args(Request)}
"""The message of each action that the Central System may call."""

CONFIRMATIONS: Mapping[str, type[Message]] = {
    "Authorize": core.AuthorizeConf,
    "BootNotification": core.BootNotificationConf,
    "DiagnosticsStatusNotification": EmptyConf,
    "FirmwareStatusNotification": EmptyConf,
    "Heartbeat": core.HeartbeatConf,
    "LogStatusNotification": EmptyConf,
    "MeterValues": EmptyConf,
    "SecurityEventNotification": EmptyConf,
    "SignCertificate": security.SignCertificateConf,
    "SignedFirmwareStatusNotification": EmptyConf,
    "StartTransaction": core.StartTransactionConf,
    "StatusNotification": EmptyConf,
    "StopTransaction": core.StopTransactionConf,
}
"""What the Central System confirms each action of the Charge Point with."""

FEATURE_PROFILES: Mapping[str, str] = {
    "UpdateFirmware": FIRMWARE,
    "GetDiagnostics": FIRMWARE,
    "SendLocalList": LOCAL_LIST,
    "GetLocalListVersion": LOCAL_LIST,
    "ReserveNow": RESERVATION,
    "CancelReservation": RESERVATION,
    "SetChargingProfile": SMART_CHARGING,
    "ClearChargingProfile": SMART_CHARGING,
    "GetCompositeSchedule": SMART_CHARGING,
    "TriggerMessage": REMOTE_TRIGGER,
}
"""The feature profile without which an action is not supported (OCPP 1.6 §3.3); the others always are."""

KNOWN_ACTIONS = REQUESTS.keys() | CONFIRMATIONS.keys()
"""All actions: one of these that the twin does not serve is not supported, others are not implemented (T-27)."""
