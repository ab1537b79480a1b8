"""What each message of the Central System asks of a twin.

Decides how the wire's words and times become the model's; must not know whether a message was valid, or is served.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar, assert_never

from msgspec import UNSET, UnsetType

from twin.model import asked
from twin.model.profile import Profile, Schedule, SchedulePeriod
from twin.model.terms import Instant
from twin.ocpp.v16.actions import Request
from twin.ocpp.v16.keys import KeyTable
from twin.ocpp.v16.messages import core, profiles, security, smart_charging

_T = TypeVar("_T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def meaning(message: Request, ref: str, keys: KeyTable) -> asked.Request:
    """Return what a message asks; `ref` names its CALL."""
    if isinstance(message, security.Request):
        return _security(message, ref)
    if isinstance(message, smart_charging.Request):
        return _smart_charging(message, ref)
    if isinstance(message, profiles.Request):
        return _profiles(message, ref)
    return _core(message, ref, keys)


def _core(message: core.Request, ref: str, keys: KeyTable) -> asked.Request:
    match message:
        case core.ChangeAvailability(connector_id=evse, type=kind):
            return asked.ChangeAvailability(request_ref=ref, evse=evse, operative=kind == "Operative")
        case core.ChangeConfiguration(key=key, value=value):
            label = keys.spelling(key)
            return asked.SetVariable(request_ref=ref, name=keys.variable(key), value=value, label=label)
        case core.ClearCache():
            return asked.ClearCache(request_ref=ref)
        case core.DataTransfer(vendor_id=vendor, message_id=name, data=data):
            return asked.DataTransfer(request_ref=ref, vendor_id=vendor, message_id=given(name), data=given(data))
        case core.GetConfiguration(key=wanted):
            return asked.GetVariables(request_ref=ref, names=tuple(map(keys.variable, wanted)))
        case core.RemoteStartTransaction(id_tag=token, connector_id=number, charging_profile=profile):
            wanted_profile = None if profile is UNSET else _profile(profile)
            return asked.RemoteStart(request_ref=ref, token=token, evse=given(number), profile=wanted_profile)
        case core.RemoteStopTransaction(transaction_id=transaction_id):
            return asked.RemoteStop(request_ref=ref, transaction_id=transaction_id)
        case core.Reset(type=reset_kind):
            return asked.Reset(request_ref=ref, kind=reset_kind)
        case core.TriggerMessage(requested_message=word, connector_id=number):
            return asked.Trigger(request_ref=ref, message=word, evse=given(number))
        case core.UnlockConnector(connector_id=evse):
            return asked.UnlockConnector(request_ref=ref, evse=evse)
        case _:
            assert_never(message)


def _profiles(message: profiles.Request, ref: str) -> asked.Request:
    match message:
        case profiles.UpdateFirmware():
            return asked.UpdateFirmware(
                request_ref=ref,
                location=message.location,
                retrieve_at=instant(message.retrieve_date),
                retries=given(message.retries),
                retry_interval_s=given(message.retry_interval),
            )
        case profiles.GetDiagnostics():
            return asked.GetLog(
                request_ref=ref,
                location=message.location,
                oldest=_given_instant(message.start_time),
                latest=_given_instant(message.stop_time),
                retries=given(message.retries),
                retry_interval_s=given(message.retry_interval),
            )
        case profiles.SendLocalList(list_version=version, update_type=kind, local_authorization_list=entries):
            return asked.SendLocalList(
                request_ref=ref, version=version, full=kind == "Full", entries=tuple(map(_entry, entries))
            )
        case profiles.GetLocalListVersion():
            return asked.GetLocalListVersion(request_ref=ref)
        case profiles.ReserveNow():
            return asked.ReserveNow(
                request_ref=ref,
                reservation_id=message.reservation_id,
                evse=message.connector_id,
                token=message.id_tag,
                until=instant(message.expiry_date),
                parent=given(message.parent_id_tag),
            )
        case profiles.CancelReservation(reservation_id=reservation_id):
            return asked.CancelReservation(request_ref=ref, reservation_id=reservation_id)
        case _:
            assert_never(message)


def _smart_charging(message: smart_charging.Request, ref: str) -> asked.Request:
    match message:
        case smart_charging.SetChargingProfile(connector_id=evse, cs_charging_profiles=profile):
            return asked.SetChargingProfile(request_ref=ref, evse=evse, profile=_profile(profile))
        case smart_charging.ClearChargingProfile():
            return asked.ClearChargingProfile(
                request_ref=ref,
                id=given(message.id),
                evse=given(message.connector_id),
                purpose=given(message.charging_profile_purpose),
                stack_level=given(message.stack_level),
            )
        case smart_charging.GetCompositeSchedule(connector_id=evse, duration=duration_s, charging_rate_unit=unit):
            return asked.GetCompositeSchedule(request_ref=ref, evse=evse, duration_s=duration_s, unit=given(unit))
        case _:
            assert_never(message)


def _security(message: security.Request, ref: str) -> asked.Request:
    match message:
        case security.CertificateSigned(certificate_chain=chain):
            return asked.CertificateSigned(request_ref=ref, chain=chain)
        case security.DeleteCertificate(certificate_hash_data=data):
            return asked.DeleteCertificate(request_ref=ref, id=_certificate_id(data))
        case security.ExtendedTriggerMessage(requested_message=word, connector_id=number):
            return asked.Trigger(request_ref=ref, message=word, evse=given(number), extended=True)
        case security.GetInstalledCertificateIds(certificate_type=use):
            return asked.GetInstalledCertificateIds(request_ref=ref, use=use)
        case security.GetLog(log=log):
            return asked.GetLog(
                request_ref=ref,
                location=log.remote_location,
                kind=message.log_type,
                oldest=_given_instant(log.oldest_timestamp),
                latest=_given_instant(log.latest_timestamp),
                retries=given(message.retries),
                retry_interval_s=given(message.retry_interval),
                request_id=message.request_id,
            )
        case security.InstallCertificate(certificate_type=use, certificate=certificate):
            return asked.InstallCertificate(request_ref=ref, use=use, certificate=certificate)
        case security.SignedUpdateFirmware(firmware=firmware):
            return asked.UpdateFirmware(
                request_ref=ref,
                location=firmware.location,
                retrieve_at=instant(firmware.retrieve_date_time),
                install_at=_given_instant(firmware.install_date_time),
                retries=given(message.retries),
                retry_interval_s=given(message.retry_interval),
                request_id=message.request_id,
                signing=asked.Signing(firmware.signing_certificate, firmware.signature),
            )
        case _:
            assert_never(message)


# --- Parts ------------------------------------------------------------------------------------------------------------


def _profile(profile: smart_charging.ChargingProfile) -> Profile:
    return Profile(
        id=profile.charging_profile_id,
        stack_level=profile.stack_level,
        purpose=profile.charging_profile_purpose,
        kind=profile.charging_profile_kind,
        schedule=_schedule(profile.charging_schedule),
        recurrency=given(profile.recurrency_kind),
        valid_from=_given_instant(profile.valid_from),
        valid_to=_given_instant(profile.valid_to),
        transaction_id=given(profile.transaction_id),
    )


def _schedule(schedule: smart_charging.ChargingSchedule) -> Schedule:
    return Schedule(
        unit=schedule.charging_rate_unit,
        periods=tuple(
            SchedulePeriod(period.start_period, period.limit, given(period.number_phases))
            for period in schedule.charging_schedule_period
        ),
        duration_s=given(schedule.duration),
        starts_at=_given_instant(schedule.start_schedule),
        min_rate=given(schedule.min_charging_rate),
    )


def _entry(entry: profiles.AuthorizationData) -> asked.ListEntry:
    info = entry.id_tag_info
    if info is UNSET:
        return asked.ListEntry(entry.id_tag)
    return asked.ListEntry(entry.id_tag, info.status, given(info.parent_id_tag), _given_instant(info.expiry_date))


def _certificate_id(data: security.CertificateHashData) -> asked.CertificateId:
    return asked.CertificateId(
        data.hash_algorithm, data.issuer_name_hash.lower(), data.issuer_key_hash.lower(), data.serial_number.lower()
    )


def instant(time: datetime) -> Instant:
    """Return a time; one without a zone is UTC, which all times SHOULD be (OCPP 1.6 §3.15; T-33)."""
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH).total_seconds()


def _given_instant(time: datetime | UnsetType) -> Instant | None:
    return None if time is UNSET else instant(time)


def given(value: _T | UnsetType) -> _T | None:
    """Return what a member says, None if it was left out."""
    return None if value is UNSET else value
