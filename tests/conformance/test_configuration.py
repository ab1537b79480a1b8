"""Group 11 of the checklist: configuration keys, each with what it does (the rest of K is tested where it acts)."""

from __future__ import annotations

import pytest
from fakes.central_system import Hold
from fakes.scenes import booted, charge, charging

from twin.model.inputs import PlugIn, UnplugEvSide
from twin.model.spec import KeySpec

REQUIRED = {  # K: required in Core
    "AuthorizeRemoteTxRequests",
    "ClockAlignedDataInterval",
    "ConnectionTimeOut",
    "ConnectorPhaseRotation",
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "MeterValuesAlignedData",
    "MeterValuesSampledData",
    "MeterValueSampleInterval",
    "NumberOfConnectors",
    "ResetRetries",
    "StopTransactionOnInvalidId",
    "StopTxnAlignedData",
    "StopTxnSampledData",
    "SupportedFeatureProfiles",
    "TransactionMessageAttempts",
    "TransactionMessageRetryInterval",
    "UnlockConnectorOnEVSideDisconnect",
}
READ_ONLY = {
    "GetConfigurationMaxKeys",
    "NumberOfConnectors",
    "SupportedFeatureProfiles",
    "ConnectorPhaseRotationMaxLength",
    "MeterValuesAlignedDataMaxLength",
    "MeterValuesSampledDataMaxLength",
    "StopTransactionMaxMeterValues",
    "StopTxnAlignedDataMaxLength",
    "StopTxnSampledDataMaxLength",
}
INTEGERS = {
    "BlinkRepeat": 0,
    "ClockAlignedDataInterval": 0,
    "ConnectionTimeOut": 0,
    "HeartbeatInterval": 0,
    "LightIntensity": 0,
    "MaxEnergyOnInvalidId": 0,
    "MessageTimeout": 1,
    "MeterValueSampleInterval": 0,
    "MinimumStatusDuration": 0,
    "ResetRetries": 0,
    "TransactionMessageAttempts": 1,
    "TransactionMessageRetryInterval": 0,
    "WebSocketPingInterval": 0,
}
BOOLEANS = [
    "AllowOfflineTxForUnknownId",
    "AuthorizationCacheEnabled",
    "AuthorizeRemoteTxRequests",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "StopTransactionOnEVSideDisconnect",
    "StopTransactionOnInvalidId",
    "UnlockConnectorOnEVSideDisconnect",
]
PROFILES = ["Core", "FirmwareManagement", "LocalAuthListManagement", "Reservation", "SmartCharging", "RemoteTrigger"]
BARE = {"SupportedFeatureProfiles": "Core,RemoteTrigger"}
OF_PROFILES = {  # keys that come and go with their feature profile (C-10)
    "LocalAuthListEnabled",
    "LocalAuthListMaxLength",
    "SendLocalListMaxLength",
    "ReserveConnectorZeroSupported",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "ConnectorSwitch3to1PhaseSupported",
    "MaxChargingProfilesInstalled",
    "SupportedFileTransferProtocols",
}


def items(cs, *keys: str) -> dict:
    payload = cs.ask("GetConfiguration", {"key": list(keys)} if keys else {}).payload
    return {item["key"]: item for item in payload.get("configurationKey", [])}


def test_c_04_all_settings_for_an_absent_an_empty_and_a_null_list():
    cs = booted()
    everything = items(cs)
    assert set(everything) >= REQUIRED
    assert READ_ONLY | set(INTEGERS) | set(BOOLEANS) <= set(everything)
    assert set(everything) >= OF_PROFILES
    assert "SupportedFeatureProfilesMaxLength" not in everything  # K-32
    assert cs.ask("GetConfiguration", {"key": []}).payload == cs.ask("GetConfiguration", {}).payload


def test_c_05_access_and_values():
    cs = booted(evses=3)
    everything = items(cs)
    assert {key for key in READ_ONLY if not everything[key]["readonly"]} == set()
    assert {key for key in [*INTEGERS, *BOOLEANS] if everything[key]["readonly"]} == set()
    assert everything["NumberOfConnectors"]["value"] == "3"


def test_c_05_known_and_unknown_keys():
    payload = booted().ask("GetConfiguration", {"key": ["Nonsense", "HeartbeatInterval", "nothing"]}).payload
    assert [item["key"] for item in payload["configurationKey"]] == ["HeartbeatInterval"]
    assert payload["unknownKey"] == ["Nonsense", "nothing"]


def test_c_04_c_10_a_bare_box_shows_no_keys_of_other_profiles():
    everything = set(items(booted(keys=BARE)))
    assert everything >= REQUIRED
    assert not OF_PROFILES & everything


@pytest.mark.parametrize("key", sorted(OF_PROFILES))
def test_c_08_c_10_keys_of_absent_profiles_are_unknown(key):
    cs = booted(keys=BARE)
    assert cs.ask("GetConfiguration", {"key": [key]}).payload.get("unknownKey") == [key]
    assert cs.configure(key, "true") == "NotSupported"


def test_c_01_unknown_key_is_not_supported():
    assert booted().configure("Nonsense", "1") == "NotSupported"


@pytest.mark.parametrize("key", sorted(READ_ONLY))
def test_c_02_read_only_keys_are_rejected(key):
    cs = booted()
    before = cs.configuration(key)
    assert cs.configure(key, "1") == "Rejected"
    assert cs.configuration(key) == before


@pytest.mark.parametrize("key", INTEGERS)
def test_c_02_integers_out_of_range_or_shape_are_rejected(key):
    cs = booted()
    before = cs.configuration(key)
    for bad in ("-1", "1.5", "x", "", "1e3", "0x10", "99999999999999999999999", "١", str(INTEGERS[key] - 1)):
        assert cs.configure(key, bad) == "Rejected", bad
    assert cs.configuration(key) == before
    assert cs.configure(key, 77) == "Accepted"
    assert cs.configuration(key) == {key: "77"}
    assert cs.configure(key, INTEGERS[key]) == "Accepted"


@pytest.mark.parametrize(("key", "value"), [("LightIntensity", 101), ("ClockAlignedDataInterval", 86_401)])
def test_c_02_k_05_k_11_upper_bounds(key, value):
    cs = booted()
    assert cs.configure(key, value) == "Rejected"
    assert cs.configure(key, value - 1) == "Accepted"


@pytest.mark.parametrize("key", BOOLEANS)
def test_c_03_booleans_are_read_in_any_case_and_written_in_one(key):
    cs = booted()
    for text, written in (("TRUE", "true"), ("False", "false"), ("true", "true")):
        assert cs.configure(key, "x") == "Rejected"
        assert cs.ask("ChangeConfiguration", {"key": key, "value": text}).status == "Accepted"
        assert cs.configuration(key) == {key: written}
    for bad in ("1", "yes", ""):
        assert cs.configure(key, bad) == "Rejected"


def test_c_03_key_names_are_case_insensitive():
    cs = booted()
    assert cs.configure("CONNECTIONtimeout", 44) == "Accepted"
    [item] = items(cs, "connectiontimeOUT").values()
    assert item["value"] == "44"
    assert item["key"].lower() == "connectiontimeout"
    assert items(cs)["ConnectionTimeOut"]["value"] == "44"


def test_c_03_list_items_are_trimmed():
    cs = booted()
    assert cs.configure("MeterValuesSampledData", "Voltage , Power.Active.Import") == "Accepted"
    assert cs.configuration("MeterValuesSampledData") == {"MeterValuesSampledData": "Voltage,Power.Active.Import"}


@pytest.mark.parametrize("how", ["crash", "reset"])
def test_c_03_values_are_persistent(how):
    cs = booted()
    for key in INTEGERS:
        assert cs.configure(key, 66) == "Accepted"
    cs.boot_interval = 66
    before = cs.configuration()
    if how == "crash":
        cs.crash()
    else:
        cs.ask("Reset", {"type": "Hard"})
        cs.advance(30)
    assert cs.configuration() == before


def test_c_06_k_09_more_keys_than_allowed():
    cs = booted()
    limit = int(cs.configuration("GetConfigurationMaxKeys")["GetConfigurationMaxKeys"])
    reply = cs.ask("GetConfiguration", {"key": [f"Key{number}" for number in range(limit)]})
    assert len(reply.payload["unknownKey"]) == limit
    reply = cs.ask("GetConfiguration", {"key": [f"Key{number}" for number in range(limit + 1)]})
    assert reply.code == "OccurenceConstraintViolation"


def test_c_07_authorization_key_is_write_only():
    secret = "0123456789abcdef0123456789abcdef01234567"
    cs = booted(keys={"AuthorizationKey": secret})
    assert secret not in str(cs.ask("GetConfiguration", {}).payload)
    assert secret not in str(cs.ask("GetConfiguration", {"key": ["AuthorizationKey"]}).payload)
    assert not any(secret in str(note) for note in cs.notes)


def test_c_10_k_31_supported_feature_profiles_is_true():
    cs = booted()
    [value] = cs.configuration("SupportedFeatureProfiles").values()
    assert value.split(",") == PROFILES
    [value] = booted(keys=BARE).configuration("SupportedFeatureProfiles").values()
    assert value.split(",") == ["Core", "RemoteTrigger"]


def test_c_11_vendor_keys_and_their_access():
    cs = booted(
        keys={
            "MyKey": KeySpec("7"),
            "MyFixed": KeySpec("x", readonly=True),
            "MySlow": KeySpec("1", reboot_required=True),
        }
    )
    assert cs.configuration("mykey") == {"MyKey": "7"}
    assert cs.configure("MYKEY", "8") == "Accepted"
    assert cs.configuration("MyKey") == {"MyKey": "8"}
    assert cs.configure("MyFixed", "y") == "Rejected"
    assert cs.configure("MySlow", "2") == "RebootRequired"
    cs.advance(60)
    assert cs.actions().count("BootNotification") == 1
    assert items(cs)["MyFixed"]["readonly"] is True


def test_k_04_k_11_k_23_settings_of_the_surface():
    cs = booted()
    for key in ("BlinkRepeat", "LightIntensity", "ResetRetries"):
        assert cs.configure(key, 5) == "Accepted"
        assert cs.configuration(key) == {key: "5"}


@pytest.mark.parametrize("good", ["0.RST,1.RST,2.RTS", "1.NotApplicable", "0.Unknown, 1.TSR", "2.SRT,1.STR,0.TRS"])
def test_k_07_v_22_phase_rotation(good):
    assert booted(evses=2).configure("ConnectorPhaseRotation", good) == "Accepted"


@pytest.mark.parametrize("bad", ["3.RST", "1.RSR", "1.RST,1.RTS", "RST", "1", "-1.RST", "1.rst", "1.RST;2.RST"])
def test_k_07_v_22_bad_phase_rotation(bad):
    cs = booted(evses=2)
    before = cs.configuration("ConnectorPhaseRotation")
    assert cs.configure("ConnectorPhaseRotation", bad) == "Rejected"
    assert cs.configuration("ConnectorPhaseRotation") == before


def test_k_07_k_08_defaults():
    cs = booted(evses=2)
    assert cs.configuration("ConnectorPhaseRotationMaxLength") == {"ConnectorPhaseRotationMaxLength": "3"}
    [value] = cs.configuration("ConnectorPhaseRotation").values()
    assert {item.split(".")[0] for item in value.replace(" ", "").split(",")} <= {"0", "1", "2"}


def test_k_06_changed_connection_time_out_is_used():
    cs = booted(keys={"ConnectionTimeOut": "600"})
    assert cs.configure("ConnectionTimeOut", 20) == "Accepted"
    cs.command(PlugIn(evse=1))
    cs.advance(21)
    assert cs.status() == "Finishing"


def test_k_10_visible_and_changeable():
    cs = booted(keys={"HeartbeatInterval": "50"})
    mark = cs.mark()
    cs.advance(51)
    assert len(cs.sent("Heartbeat", mark)) == 1


def test_k_15_message_timeout_is_binding():
    cs = booted(keys={"MessageTimeout": "7"})
    cs.script("Authorize", Hold())
    charge(cs)
    mark = cs.mark()
    cs.advance(6.5)
    cs.command(PlugIn(evse=1))
    assert cs.actions(mark) == []
    cs.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    cs.advance(1)
    assert "Heartbeat" in cs.actions(mark)


def test_k_25_stop_on_ev_side_disconnect_can_be_changed_while_charging():
    cs = charging(keys={"StopTransactionOnEVSideDisconnect": "true"})
    assert cs.configure("StopTransactionOnEVSideDisconnect", False) == "Accepted"
    cs.command(UnplugEvSide(evse=1))
    assert not cs.sent("StopTransaction")


def test_k_36_t_09_web_socket_ping_interval():
    cs = booted(keys={"WebSocketPingInterval": "25"})
    assert cs.station.ping_interval_s == 25
    assert cs.configure("WebSocketPingInterval", -1) == "Rejected"
    assert cs.configure("WebSocketPingInterval", 0) == "Accepted"
    assert cs.station.ping_interval_s == 0


def test_configuration_changed_is_told():
    cs = booted()
    cs.configure("connectiontimeout", 99)
    fields = cs.noted("configuration_changed")[-1].fields
    assert (fields["key"], fields["value"]) == ("ConnectionTimeOut", "99")
