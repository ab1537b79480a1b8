"""Group K of the checklist: every configuration key, its access, its value at first start, and what it takes.

What a key does is tested where it acts.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from fakes.central_system import CentralSystem, spec
from fakes.scenes import booted

from twin.model.inputs import PlugIn, PresentToken, PressStop, Unplug
from twin.model.spec import KeySpec

REGISTER = "Energy.Active.Import.Register"
SECRET = "0123456789abcdef0123456789abcdef"
PROFILES = {
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "Reservation",
    "SmartCharging",
    "RemoteTrigger",
}
NO_NUMBERS = ("-1", "1.5", "x", "", "1e3", "0x10", "9" * 30)
NO_FLAGS = ("1", "0", "yes", "on", "")


@dataclass(frozen=True)
class Key:
    """Expect of a key: `default` None is unset, `good` and `bad` are what the Central System may and may not write."""

    name: str
    default: str | None
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    profile: str | None = None


def count(name: str, default: str, *, low: int = 0, high: int | None = None, profile: str | None = None) -> Key:
    beyond = () if high is None else (str(high + 1),)
    most = "77" if high is None else str(high)
    return Key(name, default, (str(low), most), (*NO_NUMBERS, str(low - 1), *beyond), profile)


def flag(name: str, default: str, profile: str | None = None) -> Key:
    return Key(name, default, ("true", "false"), NO_FLAGS, profile)


def measurands(name: str, default: str) -> Key:
    good = ("", REGISTER, f"{REGISTER},Voltage", "Voltage.L1,Current.Import.L2,SoC")
    return Key(name, default, good, ("Nonsense", f"{REGISTER},Nonsense", "voltage", f"{REGISTER},,Voltage"))


def fixed(name: str, default: str, profile: str | None = None) -> Key:
    return Key(name, default, (), (default, "1", "true"), profile)


KEYS = {  # a box with two connectors
    1: flag("AllowOfflineTxForUnknownId", "false"),
    2: flag("AuthorizationCacheEnabled", "true"),
    3: flag("AuthorizeRemoteTxRequests", "true"),
    4: count("BlinkRepeat", "3"),
    5: count("ClockAlignedDataInterval", "0", high=86_400),
    6: count("ConnectionTimeOut", "60"),
    7: Key("ConnectorPhaseRotation", "0.RST,1.RST,2.RST", ("1.RTS,2.Unknown",), ("3.RST", "1.rst", "1.RST,1.RTS")),
    8: fixed("ConnectorPhaseRotationMaxLength", "3"),
    9: fixed("GetConfigurationMaxKeys", "100"),
    10: count("HeartbeatInterval", "300"),
    11: count("LightIntensity", "100", high=100),
    12: flag("LocalAuthorizeOffline", "true"),
    13: flag("LocalPreAuthorize", "false"),
    14: count("MaxEnergyOnInvalidId", "0"),
    15: count("MessageTimeout", "30", low=1),
    16: measurands("MeterValuesAlignedData", REGISTER),
    17: fixed("MeterValuesAlignedDataMaxLength", "25"),
    18: measurands("MeterValuesSampledData", REGISTER),
    19: fixed("MeterValuesSampledDataMaxLength", "25"),
    20: count("MeterValueSampleInterval", "60"),
    21: count("MinimumStatusDuration", "0"),
    22: fixed("NumberOfConnectors", "2"),
    23: count("ResetRetries", "1"),
    24: fixed("StopTransactionMaxMeterValues", "500"),
    25: flag("StopTransactionOnEVSideDisconnect", "true"),
    26: flag("StopTransactionOnInvalidId", "true"),
    27: measurands("StopTxnAlignedData", ""),
    28: fixed("StopTxnAlignedDataMaxLength", "25"),
    29: measurands("StopTxnSampledData", ""),
    30: fixed("StopTxnSampledDataMaxLength", "25"),
    31: fixed(
        "SupportedFeatureProfiles",
        "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
    ),
    33: count("TransactionMessageAttempts", "3", low=1),
    34: count("TransactionMessageRetryInterval", "60"),
    35: flag("UnlockConnectorOnEVSideDisconnect", "true"),
    36: count("WebSocketPingInterval", "60"),
    37: flag("LocalAuthListEnabled", "true", "LocalAuthListManagement"),
    38: fixed("LocalAuthListMaxLength", "1000", "LocalAuthListManagement"),
    39: fixed("SendLocalListMaxLength", "100", "LocalAuthListManagement"),
    40: fixed("ReserveConnectorZeroSupported", "true", "Reservation"),
    41: fixed("ChargeProfileMaxStackLevel", "10", "SmartCharging"),
    42: fixed("ChargingScheduleAllowedChargingRateUnit", "Current,Power", "SmartCharging"),
    43: fixed("ChargingScheduleMaxPeriods", "24", "SmartCharging"),
    44: fixed("ConnectorSwitch3to1PhaseSupported", "false", "SmartCharging"),
    45: fixed("MaxChargingProfilesInstalled", "50", "SmartCharging"),
    46: fixed("SupportedFileTransferProtocols", "HTTP,HTTPS,FTP,FTPS", "FirmwareManagement"),
    48: Key("SecurityProfile", "0", (), (*NO_NUMBERS, "0", "4")),
    49: Key("CpoName", None, ("Acme Energy", "Ørsted"), ("x" * 501,)),
    50: fixed("AdditionalRootCertificateCheck", "false"),
    51: fixed("CertificateSignedMaxChainSize", "10000"),
    52: fixed("CertificateStoreMaxLength", "20"),
}
ABSENT = "SupportedFeatureProfilesMaxLength"  # K-32

READABLE = pytest.mark.parametrize("key", KEYS.values(), ids=[f"K-{n:02}" for n in KEYS])


def shown(cs, name):
    payload = cs.ask("GetConfiguration", {"key": [name]}).payload
    [item] = payload["configurationKey"]
    assert not payload.get("unknownKey")
    return item


def test_k_01_to_k_52_none_is_missing_here():
    assert {*KEYS, 32, 47} == set(range(1, 53))


@READABLE
def test_k_01_to_k_31_k_33_to_k_46_k_48_to_k_52_access_and_value_at_first_start(key):
    item = shown(CentralSystem(spec(evses=2), boot_interval=0), key.name)
    assert item["key"] == key.name
    assert item["readonly"] is (not key.good and key.name != "SecurityProfile")
    assert (item.get("value") or None) == (key.default or None)


@READABLE
def test_k_01_to_k_31_k_33_to_k_46_k_48_to_k_52_c_02_what_it_takes(key):
    cs = booted(evses=2)
    for bad in key.bad:
        before = shown(cs, key.name)
        assert cs.ask("ChangeConfiguration", {"key": key.name, "value": bad[:500]}).status == "Rejected" or bad[500:]
        assert shown(cs, key.name) == before or bad[500:]
    for good in key.good:
        assert cs.ask("ChangeConfiguration", {"key": key.name, "value": good}).status == "Accepted", good
        assert (shown(cs, key.name).get("value") or "") == good


@pytest.mark.parametrize("key", [key for key in KEYS.values() if key.profile], ids=lambda key: key.name)
def test_k_37_to_k_46_c_10_without_its_profile_there_is_no_such_key(key):
    cs = booted(keys={"SupportedFeatureProfiles": ",".join(sorted(PROFILES - {key.profile}))})
    payload = cs.ask("GetConfiguration", {"key": [key.name]}).payload
    assert payload["unknownKey"] == [key.name]
    assert cs.ask("ChangeConfiguration", {"key": key.name, "value": "1"}).status == "NotSupported"
    assert key.name not in cs.configuration()


@pytest.mark.parametrize(
    "name",
    [
        "AllowOfflineTxForUnknownId",
        "AuthorizationCacheEnabled",
        "BlinkRepeat",
        "ConnectorSwitch3to1PhaseSupported",
        "LightIntensity",
        "MaxEnergyOnInvalidId",
        "MinimumStatusDuration",
        "ReserveConnectorZeroSupported",
        "WebSocketPingInterval",
    ],
)
def test_c_08_a_key_of_a_function_that_the_box_lacks_is_unknown(name):
    cs = booted(keys={name: KeySpec("", absent=True)})
    assert cs.ask("GetConfiguration", {"key": [name]}).payload["unknownKey"] == [name]
    assert name not in cs.configuration()
    assert cs.configure(name, "true") == "NotSupported"


def test_cc_02_c_08_a_box_without_a_cache_has_none_to_clear():
    cs = booted(keys={"AuthorizationCacheEnabled": KeySpec("", absent=True)})
    cs.tags["TAG1"] = {"status": "Accepted"}
    for _ in range(2):
        cs.command(PresentToken(token="TAG1", evse=1), PlugIn(evse=1), PressStop(evse=1), Unplug(evse=1))
    assert len(cs.sent("Authorize")) == 2
    assert cs.ask("ClearCache", {}).status == "Rejected"
    cs.cut()
    cs.command(PresentToken(token="TAG1", evse=1), PlugIn(evse=1))
    assert len(cs.sent("StartTransaction")) == 2


def test_k_40_rv_04_without_the_key_connector_0_cannot_be_reserved():
    cs = booted(keys={"ReserveConnectorZeroSupported": KeySpec("", absent=True)})
    asked = {"connectorId": 0, "reservationId": 1, "idTag": "A", "expiryDate": "2037-01-01T00:00:00Z"}
    assert cs.ask("ReserveNow", asked).status == "Rejected"


def test_k_32_the_length_of_what_cannot_be_changed_is_left_out():
    cs = booted()
    assert cs.ask("GetConfiguration", {"key": [ABSENT]}).payload["unknownKey"] == [ABSENT]
    assert ABSENT not in cs.configuration()
    assert cs.configure(ABSENT, "6") == "NotSupported"


def test_k_47_c_07_the_authorization_key_is_written_and_never_read():
    cs = booted()
    for bad in ("", "ab" * 15, "ab" * 21, "a" * 33, "xy" * 16, "ab " * 16):
        assert cs.configure("AuthorizationKey", bad) == "Rejected", bad
    assert cs.configure("AuthorizationKey", SECRET) == "Accepted"
    cs.advance(30)
    assert SECRET not in str(cs.ask("GetConfiguration", {}).payload)
    assert SECRET not in str(cs.ask("GetConfiguration", {"key": ["AuthorizationKey"]}).payload)
    assert not any(SECRET in str(note) for note in cs.notes)
