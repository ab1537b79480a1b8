"""What a twin says, as OCPP 1.6 messages.

Decides units, precision, lengths and the form of times; must not know frames, queues or whether something may be sent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_never

from msgspec import UNSET, UnsetType

from twin.model.effects import (
    Answered,
    AuthorizationAsked,
    Booted,
    DataAnswered,
    HeartbeatDue,
    Metered,
    Outcome,
    Reading,
    Report,
    Sample,
    SessionEnded,
    SessionStarted,
    StatusChanged,
    VariablesAnswered,
)
from twin.model.spec import TwinSpec
from twin.model.terms import ErrorCode, Instant, Measurand
from twin.ocpp.v16 import messages
from twin.ocpp.v16.keys import KeyTable

UNITS = {
    Measurand.CURRENT_EXPORT: "A",
    Measurand.CURRENT_IMPORT: "A",
    Measurand.CURRENT_OFFERED: "A",
    Measurand.ENERGY_ACTIVE_EXPORT_REGISTER: "Wh",
    Measurand.ENERGY_ACTIVE_IMPORT_REGISTER: "Wh",
    Measurand.ENERGY_REACTIVE_EXPORT_REGISTER: "varh",
    Measurand.ENERGY_REACTIVE_IMPORT_REGISTER: "varh",
    Measurand.ENERGY_ACTIVE_EXPORT_INTERVAL: "Wh",
    Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL: "Wh",
    Measurand.ENERGY_REACTIVE_EXPORT_INTERVAL: "varh",
    Measurand.ENERGY_REACTIVE_IMPORT_INTERVAL: "varh",
    Measurand.POWER_ACTIVE_EXPORT: "W",
    Measurand.POWER_ACTIVE_IMPORT: "W",
    Measurand.POWER_OFFERED: "W",
    Measurand.POWER_REACTIVE_EXPORT: "var",
    Measurand.POWER_REACTIVE_IMPORT: "var",
    Measurand.SOC: "Percent",
    Measurand.TEMPERATURE: "Celsius",
    Measurand.VOLTAGE: "V",
}
"""The unit of each measurand; Frequency, Power.Factor and RPM have none in OCPP 1.6 (§7.45, errata 3.84; V-14)."""

_UNKNOWN_TRANSACTION = -1  # Errata 3.18, X-06: what a transaction is called that the Central System never named.


def report(told: Report, spec: TwinSpec, transaction_id: int | None) -> messages.Message:
    """Return the payload of a report; `transaction_id` is that of its session."""
    match told:
        case Booted():
            return _boot(told, spec)
        case HeartbeatDue():
            return messages.Heartbeat()
        case StatusChanged():
            return _status(told)
        case AuthorizationAsked(token=token):
            return messages.Authorize(id_tag=token)
        case SessionStarted():
            return messages.StartTransaction(
                connector_id=told.evse,
                id_tag=told.token,
                meter_start=told.meter_start_wh,
                timestamp=iso(told.at),
                reservation_id=UNSET if told.reservation_id is None else told.reservation_id,
            )
        case Metered(evse=evse, readings=readings, session_id=session_id):
            return messages.MeterValues(
                connector_id=evse,
                meter_value=_meter_values(readings),
                transaction_id=UNSET if session_id is None else _known(transaction_id),
            )
        case SessionEnded():
            return messages.StopTransaction(
                transaction_id=_known(transaction_id),
                meter_stop=told.meter_stop_wh,
                timestamp=iso(told.at),
                id_tag=_text(told.token),
                reason=told.reason,
                transaction_data=_meter_values(told.readings) or UNSET,
            )
        case _:
            assert_never(told)


def _known(transaction_id: int | None) -> int:
    return _UNKNOWN_TRANSACTION if transaction_id is None else transaction_id


def action(told: Report) -> str:
    """Return the action that carries a report."""
    match told:
        case Booted():
            return "BootNotification"
        case HeartbeatDue():
            return "Heartbeat"
        case StatusChanged():
            return "StatusNotification"
        case AuthorizationAsked():
            return "Authorize"
        case SessionStarted():
            return "StartTransaction"
        case Metered():
            return "MeterValues"
        case SessionEnded():
            return "StopTransaction"
        case _:
            assert_never(told)


def _boot(told: Booted, spec: TwinSpec) -> messages.BootNotification:
    return messages.BootNotification(
        charge_point_vendor=spec.vendor[:20],
        charge_point_model=spec.model[:20],
        charge_point_serial_number=_text(spec.serial_number, 25),
        charge_box_serial_number=_text(spec.charge_box_serial_number, 25),
        firmware_version=_text(told.firmware_version or spec.firmware_version, 50),
        iccid=_text(spec.iccid, 20),
        imsi=_text(spec.imsi, 20),
        meter_type=_text(spec.meter_type, 25),
        meter_serial_number=_text(spec.meter_serial_number, 25),
    )


def _status(told: StatusChanged) -> messages.StatusNotification:
    vendor_error_code = told.vendor_error_code
    if told.error_code is ErrorCode.OTHER_ERROR:  # OCPP 1.6 §7.6: what it is stands in vendorErrorCode (S-12).
        vendor_error_code = vendor_error_code or "Unspecified"
    return messages.StatusNotification(
        connector_id=told.evse,
        error_code=told.error_code,
        status=told.status,
        timestamp=iso(told.at),
        info=_text(told.info, 50),
        vendor_id=_text(told.vendor_id, 255),
        vendor_error_code=_text(vendor_error_code, 50),
    )


def _meter_values(readings: tuple[Reading, ...]) -> tuple[messages.MeterValue, ...]:
    return tuple(
        messages.MeterValue(
            timestamp=iso(reading.at),
            sampled_value=tuple(_sampled(sample, reading) for sample in reading.samples),
        )
        for reading in readings
        if reading.samples  # V-07: a MeterValue holds at least one value.
    )


def _sampled(sample: Sample, reading: Reading) -> messages.SampledValue:
    # A literal of the wire's vocabulary in each field; the model's words are the same ones.
    return messages.SampledValue(
        value=number(sample.value),
        context=reading.context,
        measurand=sample.measurand,
        phase=UNSET if sample.phase is None else messages.Phase(sample.phase),
        location=sample.location,  # type: ignore[arg-type]
        unit=UNITS.get(sample.measurand, UNSET),  # type: ignore[arg-type]
    )


def outcome(answered: Outcome, keys: KeyTable) -> messages.Message:
    """Return the payload of the confirmation to a request."""
    match answered:
        case Answered(status=status):
            return messages.StatusConf(status=status)
        case DataAnswered(status=status, data=data):
            return messages.DataTransferConf(status=status, data=_text(data))
        case VariablesAnswered(known=known, unknown=unknown):
            return messages.GetConfigurationConf(
                configuration_key=tuple(
                    messages.KeyValue(key=keys.label(v.name), readonly=v.readonly, value=_text(v.value, 500))
                    for v in known
                )
                or UNSET,
                unknown_key=tuple(map(keys.label, unknown)) or UNSET,
            )
        case _:
            assert_never(answered)


def iso(at: Instant) -> str:
    """Write a time in UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def number(value: float) -> str:
    """Write a measured value with at most three decimals."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _text(value: str | None, length: int | None = None) -> str | UnsetType:
    return UNSET if value is None else value[:length]
