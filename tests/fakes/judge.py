"""A referee for OCPP-J 1.6: it looks at every frame of a charge point and fails at the first foul.

It knows the documents only (the `ocpp` package's JSON schemas, OCPP 1.6 §4.9's matrix, OCPP-J §4), nothing of the
charge point's inside. Checklist ids stand beside the rules.
"""

from __future__ import annotations

import itertools
import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import ocpp

SCHEMAS = Path(ocpp.__file__).parent / "v16" / "schemas"

ERROR_CODES = {  # T-26, misspelt as in the document
    "NotImplemented",
    "NotSupported",
    "InternalError",
    "ProtocolError",
    "SecurityError",
    "FormationViolation",
    "PropertyConstraintViolation",
    "OccurenceConstraintViolation",
    "TypeConstraintViolation",
    "GenericError",
}

FROM_CHARGE_POINT = {
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
}

TRIGGERED_BY = {  # SEC-28: what ExtendedTriggerMessage's words are called when they are sent
    "FirmwareStatusNotification": "SignedFirmwareStatusNotification",
    "SignChargePointCertificate": "SignCertificate",
}

MATRIX = {  # S-04: OCPP 1.6 §4.9 with erratum 3.20 (B6)
    "Available": {"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Reserved", "Unavailable", "Faulted"},
    "Preparing": {"Available", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Faulted"},
    "Charging": {"Available", "SuspendedEV", "SuspendedEVSE", "Finishing", "Unavailable", "Faulted"},
    "SuspendedEV": {"Available", "Charging", "SuspendedEVSE", "Finishing", "Unavailable", "Faulted"},
    "SuspendedEVSE": {"Available", "Charging", "SuspendedEV", "Finishing", "Unavailable", "Faulted"},
    "Finishing": {"Available", "Preparing", "Unavailable", "Faulted"},
    "Reserved": {"Available", "Preparing", "Unavailable", "Faulted"},
    "Unavailable": {"Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Faulted"},
    "Faulted": {
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEV",
        "SuspendedEVSE",
        "Finishing",
        "Reserved",
        "Unavailable",
    },
}

ENERGY_UNITS = {"Energy.Active": {"Wh", "kWh"}, "Energy.Reactive": {"varh", "kvarh"}}
UNITS = {  # V-13, V-14
    "Current": {"A"},
    "Power.Active": {"W", "kW"},
    "Power.Reactive": {"var", "kvar"},
    "Power.Offered": {"W", "kW"},
    "Voltage": {"V"},
    "Temperature": {"Celsius", "Fahrenheit", "K"},
    "SoC": {"Percent"},
    "Frequency": {None},
    "Power.Factor": {None},
    "RPM": {None},
}
ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class Foul(AssertionError):
    """Say which rule a frame broke."""


def iso(instant: float) -> str:
    """Write an instant as a Central System would."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> float:
    """Read an ISO 8601 time into epoch seconds; anything else is a foul (T-33)."""
    if not ISO_8601.fullmatch(text):
        raise Foul(f"T-33: not an ISO 8601 time with a zone: {text!r}")
    return datetime.fromisoformat(text).timestamp()


@cache
def _validator(name: str) -> jsonschema.Draft4Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8-sig"), object_hook=_without_multiples)
    return jsonschema.Draft4Validator(schema)


def _without_multiples(part: dict[str, Any]) -> dict[str, Any]:
    # SC-08: in binary fractions 0.3 is no multiple of 0.1; `check_composite` looks at what was written instead.
    part.pop("multipleOf", None)
    return part


def validate(name: str, payload: Any) -> None:
    """Hold a payload against the 2019-12 schema of that name (T-30, T-31)."""
    error = jsonschema.exceptions.best_match(_validator(name).iter_errors(payload))
    if error is not None:
        raise Foul(f"T-30/T-31: {name} breaks its schema at {list(error.absolute_path)}: {error.message}; {payload}")


def check_composite(payload: dict[str, Any]) -> None:
    """Hold a composite schedule against SC-08, SC-37, SC-38 and SC-41."""
    if payload["status"] != "Accepted":
        return
    instant(payload["scheduleStart"])
    schedule = payload["chargingSchedule"]
    if "startSchedule" in schedule:
        raise Foul(f"SC-38: {schedule}")
    periods = schedule["chargingSchedulePeriod"]
    starts = [period["startPeriod"] for period in periods]
    if starts[:1] != [0] or starts != sorted(set(starts)) or starts[-1] > schedule["duration"]:
        raise Foul(f"SC-41: periods start at {starts}")
    for period in periods:
        if len(repr(period["limit"]).partition(".")[2]) > 1:
            raise Foul(f"SC-08: more than one decimal in {period}")
    for one, other in itertools.pairwise(periods):
        if {**one, "startPeriod": 0} == {**other, "startPeriod": 0}:
            raise Foul(f"SC-41: equal neighbours in {periods}")


def check_samples(meter_values: list[dict[str, Any]]) -> None:
    """Hold meter values against V-07 to V-16."""
    for element in meter_values:
        instant(element["timestamp"])
        if not element["sampledValue"]:
            raise Foul("V-07: an element without values")
        seen = set()
        for sample in element["sampledValue"]:
            _check_sample(sample)
            key = (sample.get("measurand"), sample.get("phase"), sample.get("location"), sample.get("context"))
            if key in seen:
                raise Foul(f"V-07: the same value twice in one element: {key}")
            seen.add(key)


def _check_sample(sample: dict[str, Any]) -> None:
    measurand = sample.get("measurand", "Energy.Active.Import.Register")
    unit = sample.get("unit")
    if not re.fullmatch(r"-?\d+(\.\d+)?", sample["value"]):
        raise Foul(f"V-08: not a plain decimal: {sample}")
    for prefix, units in ENERGY_UNITS.items():
        if measurand.startswith(prefix) and unit not in units | ({None} if prefix == "Energy.Active" else set()):
            raise Foul(f"V-13: {measurand} in {unit}")
    for prefix, allowed in UNITS.items():
        if measurand.startswith(prefix) and unit not in allowed:
            raise Foul(f"V-13/V-14: {measurand} in {unit}")


class Judge:
    """Watch one charge point over all of its connections; times are virtual epoch seconds.

    The owner says what happened to the link and to the box: `connected()`, `disconnected()`, `rebooted()`.
    """

    def __init__(self, connectors: int) -> None:
        self.connectors = connectors
        self.message_timeout_s = 30.0  # K-15's default; the owner follows changes
        self.status_may_jump = False  # S-10: suppressed statuses make reports skip steps
        self.registration: str | None = None
        self.triggered: list[str] = []  # messages that may pass a Pending gate (B-11)
        self._ids: set[str] = set()
        self._in_flight: tuple[str, str, float] | None = None
        self._to_answer: dict[str, str] = {}
        self._statuses: dict[int, str] = {}
        self._boot_retry_at = 0.0

    # What the owner tells

    def connected(self) -> None:
        self._ids.clear()
        self._in_flight = None
        self._to_answer.clear()
        self._statuses.clear()  # S-15: after an offline time only the present status counts

    def disconnected(self) -> None:
        self._in_flight = None
        self._to_answer.clear()

    def rebooted(self) -> None:
        self.registration = None
        self.triggered.clear()
        self._boot_retry_at = 0.0

    def called(self, message_id: str, action: str) -> None:
        """Note that the Central System sends this CALL."""
        self._to_answer[message_id] = action

    def answered(self, message_id: str) -> None:
        """Note that the Central System answers a CALL of the charge point."""
        if self._in_flight is not None and self._in_flight[0] == message_id:
            self._in_flight = None

    def registered(self, status: str, interval: int, now: float) -> None:
        """Note the answer to a BootNotification."""
        self.registration = status
        self._boot_retry_at = 0.0 if status == "Accepted" else now + interval

    def boot_asked(self) -> None:
        """Note that somebody at the box asked for a BootNotification now."""
        self._boot_retry_at = 0.0

    @property
    def unanswered(self) -> dict[str, str]:
        """Show the Central System's CALLs that wait for an answer: id to action."""
        return dict(self._to_answer)

    # What the charge point sends

    def judge(self, text: str, now: float) -> tuple[int, str, Any]:
        """Check one frame; give its type, its id, and (action, payload), payload or (code, description, details)."""
        try:
            frame = json.loads(text)
        except ValueError as error:
            raise Foul(f"T-14: not JSON: {text!r}") from error
        match frame:
            case [2, str() as message_id, str() as action, dict() as payload]:
                self._call(message_id, action, payload, now)
                return 2, message_id, (action, payload)
            case [3, str() as message_id, dict() as payload]:
                action = self._answer(message_id)
                validate(f"{action}Response", payload)
                if action == "GetCompositeSchedule":
                    check_composite(payload)
                return 3, message_id, payload
            case [4, str() as message_id, str() as code, str() as description, dict() as details]:
                self._answer(message_id)
                if code not in ERROR_CODES:
                    raise Foul(f"T-26: unknown error code {code}")
                return 4, message_id, (code, description, details)
            case _:
                raise Foul(f"T-13: no OCPP-J frame: {text!r}")

    def _answer(self, message_id: str) -> str:
        if self.registration == "Rejected":
            raise Foul("B-08: an answer to the Central System while Rejected")
        if message_id not in self._to_answer:
            raise Foul(f"T-17/T-23: an answer to nothing, or the second one: {message_id}")
        return self._to_answer.pop(message_id)

    def _call(self, message_id: str, action: str, payload: dict[str, Any], now: float) -> None:
        if not 0 < len(message_id) <= 36 or message_id in self._ids:
            raise Foul(f"T-16: id too long or used before: {message_id!r}")
        self._ids.add(message_id)
        if self._in_flight is not None and now < self._in_flight[2] + self.message_timeout_s - 0.001:
            raise Foul(f"T-18: {action} while {self._in_flight} waits for its answer")
        self._in_flight = (message_id, action, now)
        if action not in FROM_CHARGE_POINT:
            raise Foul(f"T-15: a charge point does not send {action}")
        validate(action, payload)
        self._gate(action, now)
        match action:
            case "StatusNotification":
                self._status(payload)
            case "StartTransaction":
                if not 1 <= payload["connectorId"] <= self.connectors:
                    raise Foul(f"X-01: no such connector: {payload}")
                instant(payload["timestamp"])
            case "SecurityEventNotification":
                instant(payload["timestamp"])
            case "StopTransaction":
                instant(payload["timestamp"])
                if payload.get("transactionData") == []:
                    raise Foul("V-23: an empty transactionData")
                check_samples(payload.get("transactionData", []))
            case "MeterValues":
                if not 0 <= payload["connectorId"] <= self.connectors:
                    raise Foul(f"V-07: no such connector: {payload}")
                check_samples(payload["meterValue"])

    def _gate(self, action: str, now: float) -> None:
        if action in self.triggered:
            self.triggered.remove(action)
            return
        if action == "BootNotification":
            if now < self._boot_retry_at - 0.001:
                raise Foul(f"B-07: BootNotification {self._boot_retry_at - now:.1f} s too early")
        elif self.registration is None:
            raise Foul(f"B-02: {action} before BootNotification was answered")
        elif self.registration != "Accepted":
            raise Foul(f"B-08/B-11: {action} while {self.registration}")

    def _status(self, payload: dict[str, Any]) -> None:
        connector, status = payload["connectorId"], payload["status"]
        if not 0 <= connector <= self.connectors:
            raise Foul(f"T-37: no such connector: {payload}")
        if "timestamp" in payload:
            instant(payload["timestamp"])
        if connector == 0 and status not in {"Available", "Unavailable", "Faulted"}:
            raise Foul(f"S-03: connector 0 is never {status}")
        if payload["errorCode"] == "OtherError" and not payload.get("vendorErrorCode"):
            raise Foul("S-12: OtherError without vendorErrorCode")
        before = self._statuses.get(connector)
        self._statuses[connector] = status
        if before in {None, status} or self.status_may_jump or connector == 0:
            return
        if status not in MATRIX[before]:
            raise Foul(f"S-04: connector {connector} from {before} to {status}")
