from __future__ import annotations

import pytest

from twin.model.spec import KeySpec
from twin.model.variables import PROFILES, RULES, SUPPORTED, Variables, problem


def make(**settings: KeySpec) -> Variables:
    names = {key.replace("__", "."): spec for key, spec in settings.items()}
    return Variables(2, names, fixed_cable=False, security_profile=0)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.kind == "bool" and not rule.readonly])
def test_c_03_booleans_are_read_in_any_case(name):
    variables = make()
    assert variables.change(name, " TRUE ") == "Accepted"
    assert variables.text(name) == "true"
    assert variables.change(name, "yes") == "Rejected"


@pytest.mark.parametrize("text", ["-1", "1.0", "", "ten", "99999999999", "١"])
def test_c_02_what_is_no_count_is_refused_and_changes_nothing(text):
    variables = make()
    assert variables.change("OCPPCommCtrlr.HeartbeatInterval", text) == "Rejected"
    assert variables.integer("OCPPCommCtrlr.HeartbeatInterval") == 300


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.readonly])
def test_c_02_read_only_variables_are_refused(name):
    assert make().change(name, "1") == "Rejected"


def test_v_26_a_list_with_one_unsupported_item_is_refused_whole():
    variables = make(SampledDataCtrlr__TxUpdatedMaxLength=KeySpec("2"))
    name = "SampledDataCtrlr.TxUpdatedMeasurands"
    assert variables.change(name, "Voltage, SoC") == "Accepted"
    assert variables.text(name) == "Voltage,SoC"
    assert variables.change(name, "Voltage,Nonsense") == "Rejected"
    assert variables.change(name, "Voltage,SoC,Frequency") == "Rejected"  # C-09
    assert variables.text(name) == "Voltage,SoC"
    assert variables.change(name, "") == "Accepted"


@pytest.mark.parametrize(
    ("text", "verdict"), [("1.RST,2.RTS", "Accepted"), ("3.RST", "Rejected"), ("1.XYZ", "Rejected")]
)
def test_k_07_phase_rotation(text, verdict):
    assert make().change("ChargingStation.PhaseRotation", text) == verdict


def test_c_07_the_password_cannot_be_read():
    variables = make()
    name = "SecurityCtrlr.BasicAuthPassword"
    assert variables.change(name, "0011223344556677889900112233445566778899") == "Accepted"
    assert variables.shown(name) is None
    assert name not in variables.names()
    assert variables.change(name, "short") == "Rejected"


def test_x_18_a_fixed_cable_cannot_be_unlocked():
    variables = Variables(1, {}, fixed_cable=True, security_profile=0)
    assert variables.change("OCPPCommCtrlr.UnlockOnEVSideDisconnect", "true") == "Rejected"
    assert not variables.flag("OCPPCommCtrlr.UnlockOnEVSideDisconnect")


def test_vendor_variables_and_those_that_need_a_reboot():
    name = "Vendor.Colour"
    variables = Variables(1, {name: KeySpec("red", reboot_required=True)}, fixed_cable=False, security_profile=0)
    assert variables.change(name, "blue") == "RebootRequired"
    assert variables.text(name) == "red"
    variables.rebooted()
    assert variables.text(name) == "blue"
    assert variables.change("Vendor.Other", "x") == "NotSupported"


def test_changes_survive_and_unknown_names_are_left_out():
    variables = make()
    variables.change("OCPPCommCtrlr.HeartbeatInterval", "77")
    again = make()
    again.restore({**variables.dump(), "pending": {"Gone.Key": "1"}})
    assert again.integer("OCPPCommCtrlr.HeartbeatInterval") == 77


@pytest.mark.parametrize("profile", PROFILES)
def test_c_10_a_variable_of_a_feature_profile_is_there_only_with_it(profile):
    names = {name for name, rule in RULES.items() if rule.profile == profile}
    with_all = make()
    assert with_all.supports(profile)
    assert names <= set(with_all.names())
    without = make(DeviceDataCtrlr__SupportedProfiles=KeySpec(", ".join(set(PROFILES) - {profile})))
    assert not without.supports(profile)
    for name in names:
        assert not without.knows(name)
        assert without.shown(name) is None
        assert without.change(name, "1") == "NotSupported"
    assert not names & set(without.names())


def test_values_of_the_configuration_are_checked():
    assert problem("OCPPCommCtrlr.HeartbeatInterval", KeySpec("x")) == "allowed: 0 or more"
    assert problem("ChargingStation.LightIntensity", KeySpec("101")) == "allowed: 0 to 100"
    assert problem("AuthCacheCtrlr.Enabled", KeySpec("1")) == "allowed: true or false"
    assert "items that this version knows" in (problem("SampledDataCtrlr.TxUpdatedMeasurands", KeySpec("Energy")) or "")
    assert (
        problem(SUPPORTED, KeySpec("RemoteTrigger")) == "allowed: a list that holds Core, which every charge point has"
    )
    assert problem(SUPPORTED, KeySpec("Core,Telepathy"))
    assert problem(SUPPORTED, KeySpec(" RemoteTrigger, Core ")) is None
    assert problem("ChargingStation.NumberOfEvses", KeySpec("3"))
    assert problem("Vendor.X", KeySpec("anything")) is None
    assert problem("AuthCacheCtrlr.Enabled", KeySpec("", absent=True)) is None
    assert problem("OCPPCommCtrlr.HeartbeatInterval", KeySpec("", absent=True))
