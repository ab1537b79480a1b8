"""The settings of charge points: templates, twins, their EVSEs, keys and Central System.

Decides what may be written; how templates, twins and defaults go together is the business of `fleet`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from config.fields import (
    NAME_ALLOWED,
    AuthorityFile,
    CsmsTlsUrl,
    CsmsUrl,
    ReadableFile,
    Secret,
    SecretFile,
    Section,
    is_name,
    never_both,
    refuse,
)
from config.ranges import ALLOWED as RANGE_ALLOWED
from config.ranges import unrolled
from config.units import Amperes, Volts, WattHours, Watts, duration, size
from twin.model.spec import NOMINAL_VOLTAGE_V

MAX_EVSES = 1000

_Text = Annotated[str, Field(min_length=1)]


class CsmsBackoffSettings(Section):
    """Pause between two attempts to reach the Central System: doubled each time, spread by chance."""

    min: Annotated[float, duration(0.01, 86_400, "3s")] = 3.0
    """The first pause."""
    max: Annotated[float, duration(0.01, 86_400, "60s")] = 60.0
    """The longest pause."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.3
    """By which part of itself a pause may differ, so that a fleet does not come back all at once."""

    @model_validator(mode="after")
    def _ordered(self) -> CsmsBackoffSettings:
        if {"min", "max"} <= self.model_fields_set and self.min > self.max:
            raise refuse("min not above max")
        return self


class CsmsSettings(Section):
    """Say how the Central System is reached."""

    url: CsmsUrl = "ws://localhost:9000/ocpp"
    """The Central System; the identity is appended, percent-encoded. From profile 2 on ws:// means wss://."""
    tls_url: CsmsTlsUrl | None = None
    """The Central System from security profile 2 on, where it is not at `url` then."""
    security_profile: Annotated[int, Field(ge=0, le=3)] = 0
    """The security profile at first start: 0 none, 1 a password, 2 a password over TLS, 3 TLS with a certificate."""
    password: Secret | None = Field(default=None, repr=False)
    """The password for HTTP Basic, as it is; sent at profile 0 as well. An AuthorizationKey counts instead."""
    password_file: SecretFile | None = Field(default=None, repr=False)
    """A file with the password in it, instead of `password`."""
    authorization_key_as: Literal["bytes", "text"] = "bytes"
    """What of an AuthorizationKey, which is hexadecimal, is the password: the bytes behind it, or its text."""
    ca_file: AuthorityFile | None = None
    """Roots for wss:// (PEM); the system's where not given. The Central System may add and remove some."""
    certificate_file: ReadableFile | None = None
    """The charge point's certificate for profile 3, with intermediate ones (PEM), until it gets one over OCPP."""
    key_file: ReadableFile | None = None
    """The key of that certificate (PEM, not encrypted), where it does not stand in `certificate_file`."""
    verify_hostname: bool = True
    """Check that the certificate is for the host in `url`."""
    tolerant: bool = False
    """Read over members that OCPP does not have, and optional ones that are null, instead of refusing the message."""
    backoff: CsmsBackoffSettings = CsmsBackoffSettings()
    """Pause between two attempts to connect."""
    max_message_size: Annotated[int, size(1024, 256 * 1024 * 1024, "1MiB")] = 1024 * 1024
    """The longest message that is taken."""
    compression: bool = False
    """Offer permessage-deflate; costs memory."""

    _one_password = field_validator("password_file", mode="before")(never_both("password"))


class EvseDefaults(Section):
    """Describe one EVSE, or all of them."""

    max_a: Amperes = 32.0
    """The most that flows in each phase."""
    phases: Annotated[int, Field(ge=1, le=3)] = 3
    """Phases that are wired."""
    voltage_v: Volts = NOMINAL_VOLTAGE_V
    """The voltage between a phase and neutral."""
    max_w: Watts | None = None
    """The most that flows in all; for DC the power of the EVSE."""
    lock: bool = True
    """A detachable cable is locked in during a session; false: the cable is fixed."""
    meter_start_wh: WattHours = 0.0
    """What the meter shows at first start."""
    dc: bool = False
    """The EVSE charges with direct current."""


class EvseSettings(EvseDefaults):
    """Describe one EVSE; what is not given is as the twin says for all of them."""


class KeySettings(Section):
    """Give an OCPP configuration key its value at first start."""

    value: Annotated[str, Field(max_length=500)] | None = None
    """The value, as OCPP writes it; numbers, true and false need no quotes, a list is joined by commas."""
    value_file: SecretFile | None = Field(default=None, repr=False)
    """A file with the value in it, instead of `value`."""
    readonly: bool | None = None
    """The Central System cannot change it; where not given, as OCPP says for this key."""
    reboot_required: bool | None = None
    """A change counts after the next reboot."""
    absent: bool = False
    """The charge point has neither the key nor what it switches; possible for some of the optional keys."""

    _one_value = field_validator("value_file", mode="before")(never_both("value"))

    @field_validator("value", mode="before")
    @classmethod
    def _as_ocpp_writes(cls, found: Any) -> str:
        return as_ocpp_writes(found)

    @model_validator(mode="after")
    def _has_a_value(self) -> KeySettings:
        if (self.value is None and self.value_file is None) is not self.absent:
            raise refuse("value or value_file, and beside it readonly and reboot_required; or absent alone")
        return self


def as_ocpp_writes(found: Any) -> str:
    """Write a value from YAML the way OCPP 1.6 writes values: `true`, `300`, `a,b`."""
    match found:
        case bool():
            return "true" if found else "false"
        case int():
            return str(found)
        case float() if math.isfinite(found):
            return str(int(found)) if found == int(found) else str(found)
        case str():
            return found
        case [*items] if items and all(isinstance(item, str) for item in items):
            return ",".join(items)
        case _:
            raise refuse("a text, a number, true, false, or a list of texts")


def _key(found: Any) -> Any:
    return found if isinstance(found, dict | KeySettings) else {"value": as_ocpp_writes(found)}


def _evses(found: Any) -> Any:
    if isinstance(found, int) and not isinstance(found, bool):
        found = [{}] * found if 1 <= found <= MAX_EVSES else None
    if not isinstance(found, list | tuple) or not 1 <= len(found) <= MAX_EVSES:
        raise refuse(f"a number from 1 to {MAX_EVSES}, or a list of EVSEs such as {{max_a: 16, phases: 3}}")
    return found


def _twin_id(text: str) -> str:
    try:
        ids = unrolled(text)
    except ValueError:
        raise refuse(RANGE_ALLOWED) from None
    if not (is_name(ids[0]) and is_name(ids[-1])):
        raise refuse(f"{NAME_ALLOWED}, or {RANGE_ALLOWED}")
    return text


TwinId = Annotated[str, AfterValidator(_twin_id)]
_Scalar = str | int | float | bool
Key = Annotated[KeySettings, BeforeValidator(_key, json_schema_input_type=_Scalar | list[str] | KeySettings)]
KeyName = Annotated[str, Field(min_length=1, max_length=50)]
Evses = Annotated[list[EvseSettings], BeforeValidator(_evses, json_schema_input_type=int | list[EvseSettings])]


class TemplateSettings(EvseDefaults):
    """Describe a model of charge point; what is said of an EVSE here holds for all of its EVSEs."""

    vendor: Annotated[str, Field(min_length=1, max_length=20)] = "ocpp-twin"
    """Who made it (chargePointVendor)."""
    model: Annotated[str, Field(min_length=1, max_length=20)] = "Twin"
    """What it is (chargePointModel)."""
    firmware_version: Annotated[str, Field(min_length=1, max_length=50)] | None = "1.0"
    """The version of its firmware."""
    meter_type: Annotated[str, Field(min_length=1, max_length=25)] | None = None
    """The type of its meter."""
    evses: Evses = Field(default=[EvseSettings()])
    """Its EVSEs: a number, or a list."""
    keys: dict[KeyName, Key] = Field(default={})
    """OCPP configuration keys at first start; the Central System's changes persist. An unknown key is a vendor key."""
    csms: CsmsSettings = CsmsSettings()
    """The Central System, where it differs."""
    manufacturer_ca_file: AuthorityFile | None = None
    """Roots for the signatures of firmware (PEM)."""
    on_restart: Literal["resume", "power_loss"] = "resume"
    """What a restart of the daemon means: the twin goes on, or had no power meanwhile."""
    reboot_time: Annotated[float, duration(0, 3600, "5s")] = 5.0
    """How long a reboot takes."""


class TwinSettings(TemplateSettings):
    """Describe a charge point, or a range of them: an id such as lot-{001..500} stands for 500."""

    id: TwinId
    """Its name on MQTT: letters, digits, _ and -. One part may be a range in braces."""
    template: _Text | None = None
    """The model that it is one of: of `templates`, or a built-in one."""
    identity: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """Its name at the Central System, the id where not given. In a range it needs one of the same length."""
    serial_number: _Text | None = None
    """chargePointSerialNumber, at most 25 characters; a range takes a range, here and in the next four."""
    charge_box_serial_number: _Text | None = None
    """chargeBoxSerialNumber, at most 25 characters."""
    meter_serial_number: _Text | None = None
    """meterSerialNumber, at most 25 characters."""
    iccid: _Text | None = None
    """The SIM card's number, at most 20 characters."""
    imsi: _Text | None = None
    """The SIM card's subscriber, at most 20 characters."""
