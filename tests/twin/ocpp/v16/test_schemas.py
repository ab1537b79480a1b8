"""Our structs against the JSON Schemas of the `ocpp` package (2019-12), both ways.

Where the package's schemas and the specification part, the specification counts:
- TriggerMessage, ExtendedTriggerMessage: the schemas have closed lists of messages, but what is unknown is answered
  NotImplemented (OCPP 1.6 §5.17, CC-06; Security whitepaper §6.15).
- MeterValues and StopTransaction: the schemas take `Celcius` beside `Celsius`; we only write `Celsius` (JE2.1).
- `multipleOf: 0.1` is computed in binary fractions, where 0.3 is no multiple of 0.1 (SC-08); we measure instead.
- `interval`: the first schemas had `number`, so a whole number written 30.0 is read too (JE2.3).
- MeterValues: the schema takes the unit `Hertz`, which OCPP 1.6 does not have; Frequency is sent without (E3.84).
- Empty lists: some schemas lack `minItems`, the PDUs say 1..n (§7.13).
"""

import copy
import json
from datetime import UTC, datetime
from functools import cache
from importlib import resources

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import ProtocolError
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
    Reading,
    Sample,
    SecurityEvent,
    SessionEnded,
    SessionStarted,
    StatusChanged,
    VariablesAnswered,
    VariableValue,
    VersionAnswered,
)
from twin.model.spec import TwinSpec
from twin.model.terms import (
    BootReason,
    ErrorCode,
    FirmwareStatus,
    HashAlgorithm,
    LogStatus,
    Measurand,
    RateUnit,
    ReadingContext,
    Status,
    StopReason,
)
from twin.ocpp.v16 import decode, encode
from twin.ocpp.v16.actions import KNOWN_ACTIONS, REQUESTS
from twin.ocpp.v16.keys import key_table
from twin.ocpp.v16.messages.core import Phase

KEYS = key_table({})
CODES = {
    "ProtocolError",
    "FormationViolation",
    "PropertyConstraintViolation",
    "OccurenceConstraintViolation",
    "TypeConstraintViolation",
}
REPORTS = {
    "BootNotification": Booted(BootReason.POWER_UP),
    "Heartbeat": HeartbeatDue(),
    "StatusNotification": StatusChanged(0, Status.AVAILABLE, ErrorCode.NO_ERROR, 0.0),
    "Authorize": AuthorizationAsked("a", "T"),
    "StartTransaction": SessionStarted("s", 1, "T", 0.0, 0),
    "MeterValues": Metered(1, ()),
    "StopTransaction": SessionEnded("s", 1, 0.0, 0, StopReason.LOCAL),
    "FirmwareStatusNotification": FirmwareReported(FirmwareStatus.IDLE),
    "SignedFirmwareStatusNotification": FirmwareReported(FirmwareStatus.IDLE, signed=True),
    "DiagnosticsStatusNotification": LogReported(LogStatus.IDLE),
    "LogStatusNotification": LogReported(LogStatus.IDLE, extended=True),
    "SecurityEventNotification": SecurityEvent("TamperDetectionActivated", 0.0),
    "SignCertificate": CertificateAsked("csr"),
}

formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def is_time(value):
    return not isinstance(value, str) or datetime.fromisoformat(value) is not None


@cache
def schema(name):
    loaded = json.loads((resources.files("ocpp.v16") / "schemas" / f"{name}.json").read_text("utf-8-sig"))
    loaded = resolved(loaded, loaded.get("definitions", {}))
    if name in ("TriggerMessage", "ExtendedTriggerMessage"):
        del loaded["properties"]["requestedMessage"]["enum"]
    return loaded


def resolved(part, definitions):
    """Return a schema with its references followed."""
    if isinstance(part, list):
        return [resolved(child, definitions) for child in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return resolved(definitions[part["$ref"].removeprefix("#/definitions/")], definitions)
    return {name: resolved(child, definitions) for name, child in part.items() if name != "definitions"}


@cache
def validator(name):
    return jsonschema.Draft4Validator(schema(name), format_checker=formats)


# --- Outbound ---------------------------------------------------------------------------------------------------------

numbers = st.floats(-1e12, 1e12)
instants = st.floats(0, 4e9)
words = st.text(max_size=80)
tokens = st.text(min_size=1, max_size=20)
registers = st.integers(0, 10**12)
sessions = st.text(min_size=1, max_size=36)
samples = st.builds(
    Sample,
    st.sampled_from(Measurand),
    numbers,
    st.none() | st.sampled_from(Phase).map(str),
    st.sampled_from(["Body", "Cable", "EV", "Inlet", "Outlet"]),
)
readings = st.lists(
    st.builds(Reading, instants, st.sampled_from(ReadingContext), st.lists(samples, min_size=1, max_size=4).map(tuple)),
    max_size=3,
).map(tuple)
reports = st.one_of(
    st.builds(Booted, st.sampled_from(BootReason), st.none() | words),
    st.just(HeartbeatDue()),
    st.builds(
        StatusChanged,
        st.integers(0, 99),
        st.sampled_from(Status),
        st.sampled_from(ErrorCode),
        instants,
        st.none() | words,
        st.none() | words,
        st.none() | words,
    ),
    st.builds(AuthorizationAsked, sessions, tokens),
    st.builds(SessionStarted, sessions, st.integers(1, 99), tokens, instants, registers, st.none() | st.integers()),
    st.builds(Metered, st.integers(0, 99), readings.filter(bool), st.none() | sessions),
    st.builds(
        SessionEnded,
        sessions,
        st.integers(1, 99),
        instants,
        registers,
        st.sampled_from(StopReason),
        st.none() | tokens,
        readings,
    ),
    st.builds(FirmwareReported, st.sampled_from(FirmwareStatus), st.booleans(), st.none() | st.integers()),
    st.builds(LogReported, st.sampled_from(LogStatus), st.booleans(), st.none() | st.integers()),
    st.builds(SecurityEvent, words, instants, st.none() | st.text(max_size=300)),
    st.builds(CertificateAsked, words),
)
optional = st.none() | words
specs = st.builds(
    TwinSpec,
    id=st.just("a"),
    identity=st.just("a"),
    vendor=words,
    model=words,
    firmware_version=optional,
    serial_number=optional,
    charge_box_serial_number=optional,
    iccid=optional,
    imsi=optional,
    meter_type=optional,
    meter_serial_number=optional,
)


def written(message):
    return msgspec.json.decode(msgspec.json.encode(message))


@given(reports, specs, st.none() | st.integers())
def test_t_31_t_35_every_report_is_a_valid_request(report, spec, transaction_id):
    payload = written(encode.report(report, spec, transaction_id))
    validator(encode.action(report)).validate(payload)


@pytest.mark.parametrize(
    ("action", "outcomes"),
    [
        ("ChangeAvailability", [Answered("Accepted"), Answered("Rejected"), Answered("Scheduled")]),
        ("ChangeConfiguration", [Answered(s) for s in ("Accepted", "Rejected", "RebootRequired", "NotSupported")]),
        ("ClearCache", [Answered("Accepted"), Answered("Rejected")]),
        ("DataTransfer", [DataAnswered("UnknownVendorId"), DataAnswered("Accepted", "x")]),
        ("RemoteStartTransaction", [Answered("Accepted"), Answered("Rejected")]),
        ("RemoteStopTransaction", [Answered("Accepted"), Answered("Rejected")]),
        ("Reset", [Answered("Accepted"), Answered("Rejected")]),
        ("TriggerMessage", [Answered("Accepted"), Answered("Rejected"), Answered("NotImplemented")]),
        ("UnlockConnector", [Answered("Unlocked"), Answered("UnlockFailed"), Answered("NotSupported")]),
        ("UpdateFirmware", [Answered("Accepted")]),
        (
            "GetDiagnostics",
            [LogAnswered("Accepted", "a.log"), LogAnswered("Rejected"), LogAnswered("Accepted", "a" * 300)],
        ),
        ("SendLocalList", [Answered(s) for s in ("Accepted", "Failed", "NotSupported", "VersionMismatch")]),
        ("GetLocalListVersion", [VersionAnswered(-1), VersionAnswered(0), VersionAnswered(7)]),
        ("ReserveNow", [Answered(s) for s in ("Accepted", "Faulted", "Occupied", "Rejected", "Unavailable")]),
        ("CancelReservation", [Answered("Accepted"), Answered("Rejected")]),
        ("SetChargingProfile", [Answered("Accepted"), Answered("Rejected"), Answered("NotSupported")]),
        ("ClearChargingProfile", [Answered("Accepted"), Answered("Unknown")]),
        ("GetCompositeSchedule", [CompositeAnswered(7)]),
        ("CertificateSigned", [Answered("Accepted"), Answered("Rejected")]),
        ("DeleteCertificate", [Answered("Accepted"), Answered("Failed"), Answered("NotFound")]),
        ("ExtendedTriggerMessage", [Answered("Accepted"), Answered("Rejected"), Answered("NotImplemented")]),
        ("GetInstalledCertificateIds", [CertificatesAnswered()]),
        ("GetLog", [LogAnswered(s, "a.log") for s in ("Accepted", "AcceptedCanceled")] + [LogAnswered("Rejected")]),
        ("InstallCertificate", [Answered("Accepted"), Answered("Failed"), Answered("Rejected")]),
        (
            "SignedUpdateFirmware",
            [
                Answered(s)
                for s in ("Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate")
            ],
        ),
    ],
)
def test_t_30_t_31_every_outcome_is_a_valid_confirmation(action, outcomes):
    for outcome in outcomes:
        validator(f"{action}Response").validate(written(encode.outcome(outcome, KEYS, action)))


names = st.text(min_size=1, max_size=50)


@given(
    st.lists(st.builds(VariableValue, names, st.booleans(), st.none() | st.text(max_size=600)), max_size=4).map(tuple),
    st.lists(names, max_size=4).map(tuple),
)
def test_every_set_of_settings_is_a_valid_confirmation(known, unknown):
    payload = written(encode.outcome(VariablesAnswered(known, unknown), KEYS, "GetConfiguration"))
    validator("GetConfigurationResponse").validate(payload)


certificate_ids = st.builds(
    CertificateId,
    st.sampled_from(HashAlgorithm),
    st.text("0123456789abcdef", min_size=64, max_size=128),
    st.text("0123456789abcdef", min_size=64, max_size=128),
    st.text("0123456789abcdef", min_size=1, max_size=40),
)


@given(st.lists(certificate_ids, max_size=4).map(tuple))
def test_every_set_of_certificates_is_a_valid_confirmation(ids):
    payload = written(encode.outcome(CertificatesAnswered(ids), KEYS, "GetInstalledCertificateIds"))
    validator("GetInstalledCertificateIdsResponse").validate(payload)
    assert payload["status"] == ("Accepted" if ids else "NotFound")


periods = st.builds(CompositePeriod, st.integers(0, 86_400), st.floats(0, 1e6), st.none() | st.integers(1, 3))


@given(
    st.integers(0, 9),
    st.sampled_from(RateUnit),
    st.integers(0, 86_400),
    instants,
    st.lists(periods, min_size=1, max_size=4).map(tuple),
)
def test_sc_08_every_composite_schedule_is_a_valid_confirmation(evse, unit, duration_s, starts_at, found):
    outcome = CompositeAnswered(evse, unit, duration_s, starts_at, found)
    payload = written(encode.outcome(outcome, KEYS, "GetCompositeSchedule"))
    # `multipleOf` is computed in binary fractions; what counts is what was written.
    for period in payload["chargingSchedule"]["chargingSchedulePeriod"]:
        assert len(repr(period["limit"]).partition(".")[2]) == 1
        period["limit"] = 1
    validator("GetCompositeScheduleResponse").validate(payload)


# --- Inbound ----------------------------------------------------------------------------------------------------------


def instances(part):
    """Return payloads that are valid by a schema."""
    if "enum" in part:
        return st.sampled_from(part["enum"])
    match part["type"]:
        case "object":
            required = set(part.get("required", ()))
            members = {name: instances(child) for name, child in part.get("properties", {}).items()}
            return st.fixed_dictionaries(
                {name: child for name, child in members.items() if name in required},
                optional={name: child for name, child in members.items() if name not in required},
            )
        case "array":
            return st.lists(instances(part["items"]), min_size=1, max_size=3)
        case "string" if part.get("format") == "date-time":
            return st.datetimes(timezones=st.none() | st.just(UTC)).map(datetime.isoformat)
        case "string":
            return st.text(max_size=part.get("maxLength", 60))
        case "integer":
            return st.integers(0, 2**31 - 1)
        case "number":
            return st.integers(0, 1000).map(lambda n: n / 10).filter(lambda x: (x / 0.1).is_integer())
        case kind:
            raise AssertionError(kind)


def places(value, path=()):
    """Yield the paths to all parts of a payload."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in members:
        yield from places(child, (*path, name))


@st.composite
def spoiled(draw, part):
    """Return a payload in which one thing was changed, which may still be valid."""
    payload = copy.deepcopy(draw(instances(part)))
    *way, last = draw(st.sampled_from([("root",), *(("root", *path) for path in places(payload) if path)]))
    holder = {"root": payload}
    target = holder
    for name in way:
        target = target[name]
    match draw(st.sampled_from(["extra", "remove", "replace"])):
        case "extra" if isinstance(target[last], dict):
            target[last]["extra"] = 1
        case "remove" if len(way) > 0 and isinstance(target, dict):
            del target[last]
        case _ if len(way) > 0:
            target[last] = draw(st.sampled_from([None, True, 7, 1.5, "", "x" * 600, {}, [1], {"a": 1}]))
    return holder["root"]


def accepts(read, *arguments):
    try:
        read(*arguments)
    except ProtocolError as error:
        return error.code not in CODES
    return True


def read_request(action, payload):
    decode.request(action, payload, "ref", KEYS)


@pytest.mark.parametrize("action", REQUESTS)
@given(st.data())
def test_what_a_request_may_be_is_what_its_schema_says(action, data):
    valid = data.draw(instances(schema(action)))
    assert validator(action).is_valid(valid)
    assert accepts(read_request, action, valid)
    payload = data.draw(spoiled(schema(action)))
    assert accepts(read_request, action, payload) == validator(action).is_valid(payload), payload


@pytest.mark.parametrize("action", REPORTS)
@given(st.data())
def test_what_a_confirmation_may_be_is_what_its_schema_says(action, data):
    name, report = f"{action}Response", REPORTS[action]
    valid = data.draw(instances(schema(name)))
    assert validator(name).is_valid(valid)
    assert accepts(decode.answer, report, valid)
    payload = data.draw(spoiled(schema(name)))
    assert accepts(decode.answer, report, payload) == validator(name).is_valid(payload), payload


def test_all_actions_of_the_package_are_known():
    names = {entry.name.removesuffix(".json") for entry in (resources.files("ocpp.v16") / "schemas").iterdir()}
    assert {name for name in names if not name.endswith("Response")} == set(KNOWN_ACTIONS)


@pytest.mark.parametrize("name", ["MeterValues", "StopTransaction"])
def test_t_31_the_schemas_take_a_misspelling_that_we_never_write(name):
    assert "Celcius" in json.dumps(schema(name))
    assert "Celcius" not in encode.UNITS.values()
    assert "Celsius" in encode.UNITS.values()
