"""What a twin says, as OCPP 1.6 messages.

Decides units, precision, lengths and the form of times; must not know frames, queues or whether something may be sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import assert_never

from msgspec import UNSET, UnsetType

from twin.model.asked import CertificateId
from twin.model.effects import (
    Answered,
    AuthorizationAsked,
    Booted,
    CertificateAsked,
    CertificatesAnswered,
    CompositeAnswered,
    CompositePeriod,
    DataAnswered,
    FirmwareReported,
    HeartbeatDue,
    LogAnswered,
    LogReported,
    Metered,
    Outcome,
    Reading,
    Refusal,
    Report,
    Sample,
    SecurityEvent,
    SessionEnded,
    SessionStarted,
    StatusChanged,
    VariablesAnswered,
    VersionAnswered,
)
from twin.model.spec import TwinSpec
from twin.model.terms import ErrorCode, FirmwareStatus, Instant, LogStatus, Measurand, RateUnit
from twin.ocpp.v16.keys import KeyTable
from twin.ocpp.v16.messages import core, profiles, security, smart_charging
from twin.ocpp.v16.messages.base import EmptyConf, Message, StatusConf

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


_PLAIN_FIRMWARE_STATUS: Mapping[FirmwareStatus, str] = {
    FirmwareStatus.DOWNLOAD_SCHEDULED: "Idle",
    FirmwareStatus.DOWNLOAD_PAUSED: "Downloading",
    FirmwareStatus.SIGNATURE_VERIFIED: "Downloaded",
    FirmwareStatus.INVALID_SIGNATURE: "InstallationFailed",
    FirmwareStatus.INSTALL_SCHEDULED: "Downloaded",
    FirmwareStatus.INSTALL_REBOOTING: "Installing",
    FirmwareStatus.INSTALL_VERIFICATION_FAILED: "InstallationFailed",
}
"""What OCPP 1.6 §7.25 says for the steps that only the security extension has."""

_PLAIN_LOG_STATUS = frozenset({LogStatus.IDLE, LogStatus.UPLOADED, LogStatus.UPLOADING})


def report(told: Report, spec: TwinSpec, transaction_id: int | None) -> Message:
    """Return the payload of a report; `transaction_id` is that of its session."""
    match told:
        case Booted():
            return _boot(told, spec)
        case HeartbeatDue():
            return core.Heartbeat()
        case StatusChanged():
            return _status(told)
        case AuthorizationAsked(token=token):
            return core.Authorize(id_tag=token)
        case SessionStarted():
            return _start(told)
        case Metered(evse=evse, readings=readings, session_id=session_id):
            return core.MeterValues(
                connector_id=evse,
                meter_value=_meter_values(readings),
                transaction_id=UNSET if session_id is None else _known(transaction_id),
            )
        case SessionEnded():
            return _stop(told, transaction_id)
        case FirmwareReported():
            return _firmware(told)
        case LogReported():
            return _log(told)
        case SecurityEvent(kind=kind, at=at, tech_info=info):
            return security.SecurityEventNotification(type=kind[:50], timestamp=iso(at), tech_info=_text(info, 255))
        case CertificateAsked(csr=csr):
            return security.SignCertificate(csr=csr)
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
        case FirmwareReported(signed=signed):
            return "SignedFirmwareStatusNotification" if signed else "FirmwareStatusNotification"
        case LogReported(extended=extended):
            return "LogStatusNotification" if extended else "DiagnosticsStatusNotification"
        case SecurityEvent():
            return "SecurityEventNotification"
        case CertificateAsked():
            return "SignCertificate"
        case _:
            assert_never(told)


def _boot(told: Booted, spec: TwinSpec) -> core.BootNotification:
    return core.BootNotification(
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


def _status(told: StatusChanged) -> core.StatusNotification:
    vendor_error_code = told.vendor_error_code
    if told.error_code is ErrorCode.OTHER_ERROR:  # OCPP 1.6 §7.6: what it is stands in vendorErrorCode (S-12).
        vendor_error_code = vendor_error_code or "Unspecified"
    return core.StatusNotification(
        connector_id=told.evse,
        error_code=told.error_code,
        status=told.status,
        timestamp=iso(told.at),
        info=_text(told.info, 50),
        vendor_id=_text(told.vendor_id, 255),
        vendor_error_code=_text(vendor_error_code, 50),
    )


def _start(told: SessionStarted) -> core.StartTransaction:
    return core.StartTransaction(
        connector_id=told.evse,
        id_tag=told.token,
        meter_start=told.meter_start_wh,
        timestamp=iso(told.at),
        reservation_id=_number(told.reservation_id),
    )


def _stop(told: SessionEnded, transaction_id: int | None) -> core.StopTransaction:
    return core.StopTransaction(
        transaction_id=_known(transaction_id),
        meter_stop=told.meter_stop_wh,
        timestamp=iso(told.at),
        id_tag=_text(told.token),
        reason=told.reason,
        transaction_data=_meter_values(told.readings) or UNSET,
    )


def _firmware(told: FirmwareReported) -> Message:
    if told.signed:
        return security.SignedFirmwareStatusNotification(status=told.status, request_id=_number(told.request_id))
    status = _PLAIN_FIRMWARE_STATUS.get(told.status, told.status)
    return profiles.FirmwareStatusNotification(status=status)  # type: ignore[arg-type]


def _log(told: LogReported) -> Message:
    if told.extended:
        return security.LogStatusNotification(status=told.status, request_id=_number(told.request_id))
    status = told.status if told.status in _PLAIN_LOG_STATUS else "UploadFailed"
    return profiles.DiagnosticsStatusNotification(status=status)  # type: ignore[arg-type]


def _meter_values(readings: tuple[Reading, ...]) -> tuple[core.MeterValue, ...]:
    return tuple(
        core.MeterValue(
            timestamp=iso(reading.at),
            sampled_value=tuple(_sampled(sample, reading) for sample in reading.samples),
        )
        for reading in readings
        if reading.samples  # V-07: a MeterValue holds at least one value.
    )


def _sampled(sample: Sample, reading: Reading) -> core.SampledValue:
    # A literal of the wire's vocabulary in each field; the model's words are the same ones.
    return core.SampledValue(
        value=number(sample.value),
        context=reading.context,
        measurand=sample.measurand,
        phase=UNSET if sample.phase is None else core.Phase(sample.phase),
        location=sample.location,  # type: ignore[arg-type]
        unit=UNITS.get(sample.measurand, UNSET),  # type: ignore[arg-type]
    )


def outcome(answered: Outcome, keys: KeyTable, action: str) -> Message:
    """Return the payload of the confirmation to a request for this action."""
    match answered:
        case Answered(status=status):
            # OCPP 1.6 §6.56: this confirmation has no words.
            return EmptyConf() if action == "UpdateFirmware" else StatusConf(status=status)
        case DataAnswered(status=status, data=data):
            return core.DataTransferConf(status=status, data=_text(data))
        case VariablesAnswered():
            return _settings(answered, keys)
        case VersionAnswered(version=version):
            return profiles.GetLocalListVersionConf(list_version=version)
        case CompositeAnswered(unit=unit):
            return _composite(answered, unit)
        case LogAnswered(status=status, file_name=name):
            if action == "GetDiagnostics":  # OCPP 1.6 §6.26: no name where there is nothing to upload.
                return profiles.GetDiagnosticsConf(file_name=_text(name, 255))
            return security.GetLogConf(status=status, filename=_text(name, 255))
        case CertificatesAnswered(ids=ids):
            return _certificates(ids)
        case Refusal(code=code):
            raise ValueError(f"{code} is no confirmation but an error")
        case _:
            assert_never(answered)


def _settings(answered: VariablesAnswered, keys: KeyTable) -> core.GetConfigurationConf:
    return core.GetConfigurationConf(
        configuration_key=tuple(
            core.KeyValue(key=keys.label(v.name), readonly=v.readonly, value=_text(v.value, 500))
            for v in answered.known
        )
        or UNSET,
        unknown_key=tuple(map(keys.label, answered.unknown)) or UNSET,
    )


def _composite(answered: CompositeAnswered, unit: RateUnit | None) -> smart_charging.GetCompositeScheduleConf:
    if unit is None:
        return smart_charging.GetCompositeScheduleConf(status="Rejected")
    schedule = smart_charging.ChargingSchedule(  # SC-38: without startSchedule.
        charging_rate_unit=unit,
        duration=answered.duration_s,
        charging_schedule_period=tuple(map(_period, answered.periods)),
    )
    return smart_charging.GetCompositeScheduleConf(
        status="Accepted",
        connector_id=answered.evse,
        schedule_start=iso(answered.starts_at),
        charging_schedule=schedule,
    )


def _period(period: CompositePeriod) -> smart_charging.ChargingSchedulePeriod:
    return smart_charging.ChargingSchedulePeriod(
        start_period=period.start_s, limit=round(period.limit, 1), number_phases=_number(period.phases)
    )


def _certificates(ids: tuple[CertificateId, ...]) -> security.GetInstalledCertificateIdsConf:
    found = tuple(
        security.CertificateHashData(
            hash_algorithm=one.algorithm,
            issuer_name_hash=one.issuer_name_hash,
            issuer_key_hash=one.issuer_key_hash,
            serial_number=one.serial_number,
        )
        for one in ids
    )
    return security.GetInstalledCertificateIdsConf(
        status="Accepted" if found else "NotFound", certificate_hash_data=found or UNSET
    )


@lru_cache(maxsize=256)  # what happens together is told in several messages
def iso(at: Instant) -> str:
    """Write a time in UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def number(value: float) -> str:
    """Write a measured value with at most three decimals."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _text(value: str | None, length: int | None = None) -> str | UnsetType:
    return UNSET if value is None else value[:length]


def _number(value: int | None) -> int | UnsetType:
    return UNSET if value is None else value
