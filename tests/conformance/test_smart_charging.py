"""Group 17 of the checklist: charging profiles over the wire, and what R-08, R-09 and K-41 to K-45 say of them."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.central_system import CentralSystem, Hold, Reply
from fakes.profiles import DAY, DEFAULT, MAX, TX, iso, wire
from fakes.scenes import booted, charge, charging, transaction

from twin.model.inputs import PlugIn, PressStop, Unplug
from twin.model.spec import EvseSpec
from twin.model.terms import LimitSource, ProfileKind, Recurrency
from twin.model.view import LimitView

DC = EvseSpec(dc=True, max_a=200, voltage_v=400)


def put(cs: CentralSystem, connector: int, *periods: Any, **fields: Any) -> Reply:
    return send(cs, connector, wire(*periods, **fields))


def send(cs: CentralSystem, connector: int, profile: dict[str, Any]) -> Reply:
    return cs.ask("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": profile})


def clear(cs: CentralSystem, **fields: Any) -> str:
    return cs.ask("ClearChargingProfile", fields).status


def limit(cs: CentralSystem, evse: int = 1) -> LimitView:
    return cs.station.view(cs.now).limits[evse - 1]


def amps(cs: CentralSystem, evse: int = 1) -> float:
    return round(limit(cs, evse).limit_a, 6)


def watts(cs: CentralSystem, evse: int = 1) -> float:
    return round(cs.station.view(cs.now).meters[evse - 1].power_w, 6)


def composite(cs: CentralSystem, connector: int = 1, duration: int = 600, unit: str | None = None) -> dict[str, Any]:
    fields = {"connectorId": connector, "duration": duration} | ({} if unit is None else {"chargingRateUnit": unit})
    payload = cs.ask("GetCompositeSchedule", fields).payload
    assert payload is not None
    return payload


def periods(cs: CentralSystem, connector: int = 1, duration: int = 600, unit: str = "A") -> list[tuple[int, float]]:
    found = composite(cs, connector, duration, unit)
    assert found["status"] == "Accepted"
    listed = found["chargingSchedule"]["chargingSchedulePeriod"]
    return [(period["startPeriod"], period["limit"]) for period in listed]


# --- SetChargingProfile -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": wire(16)}),
        ("ClearChargingProfile", {}),
        ("GetCompositeSchedule", {"connectorId": 1, "duration": 60}),
    ],
)
def test_sc_01_without_smart_charging_nothing_of_it_is_supported(action, payload):
    cs = booted(keys={"SupportedFeatureProfiles": "Core"})
    assert cs.ask(action, payload).code == "NotSupported"


@pytest.mark.parametrize("connector", [2, 1000, -1])
def test_sc_01_an_unknown_connector_is_an_error(connector):
    assert put(booted(), connector, 16).code == "PropertyConstraintViolation"


@pytest.mark.parametrize(
    "change",
    [
        {"chargingProfilePurpose": "TxMaxProfile"},
        {"chargingProfileKind": "absolute"},
        {"recurrencyKind": "Monthly"},
        {"chargingSchedule": {"chargingRateUnit": "kW", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1}]}},
    ],
)
def test_sc_02_a_word_that_ocpp_does_not_know_is_an_error(change):
    assert send(booted(), 0, wire(16) | change).code == "PropertyConstraintViolation"


def test_sc_03_sc_04_sc_05_each_purpose_has_its_place():
    cs = booted()
    assert put(cs, 1, 16, purpose=MAX).status == "Rejected"
    assert put(cs, 0, 16, purpose=TX).status == "Rejected"
    assert put(cs, 1, 16, purpose=TX).status == "Rejected"
    charge(cs)
    assert put(cs, 1, 16, purpose=TX, transaction_id=transaction(cs) + 1).status == "Rejected"
    assert put(cs, 1, 16, purpose=DEFAULT, transaction_id=transaction(cs)).status == "Rejected"
    assert put(cs, 1, 16, purpose=TX, transaction_id=transaction(cs)).status == "Accepted"
    assert put(cs, 1, 10, purpose=TX).status == "Accepted"
    assert amps(cs) == 10


def test_sc_05_before_start_transaction_is_answered_no_id_can_be_meant():
    cs = booted()
    cs.script("StartTransaction", Hold())
    charge(cs)
    assert put(cs, 1, 16, purpose=TX, transaction_id=1).status == "Rejected"
    assert put(cs, 1, 16, purpose=TX).status == "Accepted"
    assert amps(cs) == 16


def test_sc_06_sc_07_nonsense_is_rejected():
    cs = booted()
    for connector, profile in [
        (0, wire((1, 16))),
        (0, wire((0, 16), (0, 10))),
        (0, wire(16, recurrency=Recurrency.DAILY)),
        (0, wire(16, kind=ProfileKind.RECURRING, starts_at=cs.now)),
        (0, wire(-1)),
        (0, wire((0, 16, 4))),
        (0, wire(*((n, 16) for n in range(25)))),
        (0, wire(16, stack_level=11)),
    ]:
        assert send(cs, connector, profile).status == "Rejected"
    assert send(cs, 0, wire(*((n, 16) for n in range(24)))).status == "Accepted"
    assert send(cs, 0, wire(16, stack_level=10)).status == "Accepted"


def test_sc_07_k_42_a_unit_that_is_not_allowed_is_rejected():
    cs = booted(keys={"ChargingScheduleAllowedChargingRateUnit": "Current"})
    assert [put(cs, 0, 16, unit=unit).status for unit in "AW"] == ["Accepted", "Rejected"]


@pytest.mark.parametrize("limit_", [8.1, 16.7, 0.3, 1379.9, 1e300])
def test_sc_08_one_decimal_is_taken_whatever_floats_make_of_it(limit_):
    cs = booted()
    assert put(cs, 0, limit_, min_rate=8.1).status == "Accepted"


@pytest.mark.parametrize("profile", [wire(8.11), wire(8, min_rate=8.15)])
def test_sc_08_two_decimals_are_an_error(profile):
    assert send(booted(), 0, profile).code == "PropertyConstraintViolation"


def test_k_41_k_42_k_43_k_44_k_45_the_keys_tell_what_is_possible():
    keys = {
        "ChargeProfileMaxStackLevel": "10",
        "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
        "ChargingScheduleMaxPeriods": "24",
        "ConnectorSwitch3to1PhaseSupported": "false",
        "MaxChargingProfilesInstalled": "50",
    }
    cs = booted()
    assert cs.configuration(*keys) == keys
    assert {cs.configure(key, value) for key, value in keys.items()} == {"Rejected"}


def test_k_45_no_more_are_installed_than_the_key_says():
    cs = booted(keys={"MaxChargingProfilesInstalled": "2"})
    assert [put(cs, 0, 16, id=n, stack_level=n).status for n in (1, 2, 3, 2)] == [
        "Accepted",
        "Accepted",
        "Rejected",
        "Accepted",
    ]


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_sc_09_sc_11_sc_33_the_answer_comes_first_and_the_new_one_acts_at_once():
    cs = charging()
    put(cs, 0, 16, id=1)
    assert watts(cs) == 16 * 690
    put(cs, 0, 10, id=1, stack_level=4)
    assert watts(cs) == 10 * 690
    mark = len(cs.log)
    assert put(cs, 0, 0, id=2, stack_level=4).status == "Accepted"
    sent = [what for _, who, what in cs.log[mark:] if who == "twin"]
    assert sent[0].startswith("[3")
    assert cs.status() == "SuspendedEVSE"
    clear(cs, id=2)
    assert (cs.status(), amps(cs)) == ("Charging", 32)


def test_sc_10_a_new_one_that_begins_later_leaves_a_gap():
    cs = charging()
    put(cs, 0, 10, id=1)
    put(cs, 0, 16, id=2, valid_from=cs.now + 30)
    assert amps(cs) == 32
    cs.advance(30)
    assert amps(cs) == 16


@pytest.mark.parametrize("how", ["crash", "Soft", "Hard"])
def test_sc_12_profiles_survive(how):
    cs = charging()
    put(cs, 0, 16, id=1, purpose=MAX)
    put(cs, 0, 10, id=2)
    if how == "crash":
        cs.crash()
    else:
        assert cs.ask("Reset", {"type": how}).status == "Accepted"
    cs.advance(30)
    if how != "crash":
        charge(cs)
    assert amps(cs) == 10
    assert [clear(cs, id=number) for number in (1, 2)] == ["Accepted", "Accepted"]


def test_sc_12_what_was_answered_is_on_the_disk():
    cs = charging()
    cs.crash_next = "after_store"
    cs.call("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": wire(10)})
    cs.advance(5)
    assert amps(cs) == 10


def test_sc_13_a_tx_profile_does_not_outlive_its_transaction():
    cs = charging()
    put(cs, 1, 10, purpose=TX, id=5)
    cs.command(PressStop(evse=1), Unplug(evse=1))
    charge(cs, tag="TAG2")
    assert amps(cs) == 32
    assert clear(cs, id=5) == "Unknown"


def test_sc_14_sc_30_default_profiles_act_on_running_transactions():
    cs = charging(evses=2)
    charge(cs, 2, "TAG2")
    put(cs, 0, 16, id=1)
    assert (amps(cs, 1), amps(cs, 2)) == (16, 16)
    put(cs, 1, 10, id=2)
    assert (amps(cs, 1), amps(cs, 2)) == (10, 16)
    clear(cs, id=2)
    assert (amps(cs, 1), amps(cs, 2)) == (16, 16)
    clear(cs, id=1)
    assert (amps(cs, 1), amps(cs, 2)) == (32, 32)


# --- What acts --------------------------------------------------------------------------------------------------------


def test_sc_15_sc_16_sc_20_levels_and_validity():
    cs = charging()
    put(cs, 0, 20, id=1, stack_level=0)
    put(cs, 0, 16, id=2, stack_level=1, starts_at=cs.now + 10, duration_s=20)
    put(cs, 0, 10, id=3, stack_level=2, valid_from=cs.now + 15, valid_to=cs.now + 20)
    found = []
    for _ in range(7):
        found.append(amps(cs))
        cs.advance(5)
    assert found == [20, 20, 16, 10, 16, 16, 20]


def test_sc_17_sc_19_sc_40_what_rules_is_told():
    cs = charging()
    assert (limit(cs).source, amps(cs)) == (LimitSource.HARDWARE, 32)
    put(cs, 0, 10, id=1)
    put(cs, 1, 20, id=2, purpose=TX)
    assert (limit(cs).source, limit(cs).profile_id, amps(cs)) == (LimitSource.TX_PROFILE, 2, 20)
    put(cs, 0, 16, id=3, purpose=MAX)
    assert (limit(cs).source, limit(cs).profile_id, amps(cs)) == (LimitSource.CHARGE_POINT_MAX_PROFILE, 3, 16)


def test_sc_18_all_connectors_together_keep_within_the_station_s_limit():
    cs = charging(evses=3)
    put(cs, 0, 22_080, purpose=MAX, unit="W")
    charge(cs, 2, "TAG2")
    assert watts(cs, 1) + watts(cs, 2) == 22_080
    charge(cs, 3, "TAG3")
    assert sum(watts(cs, evse) for evse in (1, 2, 3)) == pytest.approx(22_080)
    cs.command(PressStop(evse=1))
    assert watts(cs, 2) == watts(cs, 3) == 11_040


def test_sc_21_sc_22_sc_25_time_counts_from_the_start_of_the_transaction():
    cs = charging()
    cs.advance(30)
    put(cs, 1, (0, 10), (60, 16), purpose=TX, duration_s=90)
    cs.advance(29)
    assert amps(cs) == 10
    cs.advance(1)
    assert amps(cs) == 16
    cs.advance(30)
    assert amps(cs) == 32


@pytest.mark.parametrize(("recurrency", "days"), [(Recurrency.DAILY, 1), (Recurrency.WEEKLY, 7)])
def test_sc_23_sc_24_recurring_profiles_recur_long_after_their_start(recurrency, days):
    cs = charging()
    start = cs.now + 60 - 350 * DAY  # fifty weeks ago, in a minute
    put(cs, 0, (0, 10), (60, 0), starts_at=start, recurrency=recurrency, duration_s=120)
    found = []
    for seconds in (59, 1, 60, 60, days * DAY - 121, 1, 60):
        cs.advance(seconds)
        found.append((amps(cs), cs.status()))
    idle, low, none = (32, "Charging"), (10, "Charging"), (0, "SuspendedEVSE")
    assert found == [idle, low, none, idle, idle, low, none]


def test_sc_26_sc_27_watts_are_for_all_phases():
    cs = charging()
    put(cs, 0, 6900, unit="W")
    assert (amps(cs), watts(cs)) == (10, 6900)
    one = charging(evse=EvseSpec(phases=1))
    put(one, 0, (0, 6900, 3), unit="W")
    assert (amps(one), watts(one)) == (30, 6900)
    put(one, 0, (0, 10, 3))
    assert (amps(one), watts(one)) == (10, 2300)


def test_sc_28_k_44_phases_are_switched_only_where_the_box_can():
    keys = {"ConnectorSwitch3to1PhaseSupported": "true"}
    for cs, phases, power in ((charging(keys=keys), 1, 2300), (charging(), 3, 6900)):
        put(cs, 0, (0, 10, 1))
        assert (limit(cs).phases, watts(cs)) == (phases, power)


def test_sc_29_suspended_by_the_evse_and_back():
    cs = charging()
    mark = cs.mark()
    put(cs, 0, (0, 5), (60, 6), starts_at=cs.now)
    assert not limit(cs).allowed
    cs.advance(60)
    assert cs.statuses(1, mark) == ["SuspendedEVSE", "Charging"]
    direct = charging(evse=DC)
    put(direct, 0, 1, unit="W")
    assert direct.status() == "Charging"


def test_sc_32_offline_profiles_go_on_acting():
    cs = charging(keys={"AllowOfflineTxForUnknownId": "true"})
    put(cs, 0, 12, id=1)
    put(cs, 1, (0, 16), (60, 20), id=2, purpose=TX)
    cs.cut()
    cs.advance(60)
    assert amps(cs) == 20
    cs.command(PressStop(evse=1), Unplug(evse=1))
    charge(cs, tag="TAG2")
    assert amps(cs) == 12


# --- Remote start -----------------------------------------------------------------------------------------------------


def remote_start(cs: CentralSystem, *listed: Any, **fields: Any) -> str:
    payload = {"idTag": "REMOTE", "connectorId": 1, "chargingProfile": wire(*listed, **{"purpose": TX} | fields)}
    return cs.ask("RemoteStartTransaction", payload).status


@pytest.mark.parametrize("authorize", ["true", "false"])
def test_r_08_sc_31_the_profile_acts_on_the_transaction_that_it_came_with(authorize):
    cs = booted(keys={"AuthorizeRemoteTxRequests": authorize})
    put(cs, 0, 8, id=1)
    assert remote_start(cs, 16, id=2) == "Accepted"
    cs.crash()
    cs.advance(5)
    cs.command(PlugIn(evse=1))
    assert (amps(cs), limit(cs).source) == (16, LimitSource.TX_PROFILE)
    assert put(cs, 1, 10, id=3, purpose=TX, transaction_id=transaction(cs)).status == "Accepted"
    assert clear(cs, id=2) == "Unknown"
    cs.command(PressStop(evse=1))
    assert clear(cs, id=3) == "Unknown"


@pytest.mark.parametrize("fields", [{"purpose": DEFAULT}, {"purpose": MAX}, {"transaction_id": 1}, {"stack_level": 99}])
def test_r_08_a_profile_that_does_not_suit_is_rejected(fields):
    cs = booted()
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, 16, **fields) == "Rejected"
    assert not cs.sent("StartTransaction")


def test_r_08_an_attempt_that_ends_takes_its_profile_with_it():
    cs = booted(keys={"ConnectionTimeOut": "30"})
    assert remote_start(cs, 16) == "Accepted"
    cs.advance(60)
    charge(cs)
    assert amps(cs) == 32


def test_r_09_without_smart_charging_the_profile_is_ignored():
    cs = booted(keys={"SupportedFeatureProfiles": "Core,RemoteTrigger"})
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, 16, purpose=DEFAULT) == "Accepted"
    assert amps(cs) == 32


# --- ClearChargingProfile ---------------------------------------------------------------------------------------------


def test_sc_34_sc_35_all_given_fields_must_match_and_an_id_alone_decides():
    cs = charging(evses=2)

    def fill() -> None:
        put(cs, 0, 30, id=1, purpose=MAX)
        put(cs, 0, 16, id=2)
        put(cs, 2, 16, id=3, stack_level=1)
        put(cs, 1, 16, id=4, purpose=TX)

    for fields, gone in [
        ({"id": 3, "connectorId": 1, "chargingProfilePurpose": "TxProfile", "stackLevel": 9}, [3]),
        ({"connectorId": 0}, [1, 2]),
        ({"connectorId": 0, "chargingProfilePurpose": "TxDefaultProfile"}, [2]),
        ({"chargingProfilePurpose": "TxDefaultProfile"}, [2, 3]),
        ({"stackLevel": 0}, [1, 2, 4]),
        ({"stackLevel": 1, "connectorId": 1}, []),
        ({"id": 99}, []),
        ({}, [1, 2, 3, 4]),
    ]:
        fill()
        before = len(cs.noted("profile_cleared"))
        assert clear(cs, **fields) == ("Accepted" if gone else "Unknown")
        assert sorted(note.fields["profile_id"] for note in cs.noted("profile_cleared")[before:]) == gone


# --- GetCompositeSchedule ---------------------------------------------------------------------------------------------


def test_sc_36_what_cannot_be_told_is_rejected():
    cs = booted()
    assert composite(cs, 2) == {"status": "Rejected"}
    assert composite(cs, -1) == {"status": "Rejected"}
    illegal = {"connectorId": 1, "duration": 60, "chargingRateUnit": "VA"}
    assert cs.ask("GetCompositeSchedule", illegal).code == "PropertyConstraintViolation"


def test_sc_37_sc_38_sc_41_the_answer_begins_with_the_receipt_of_the_question():
    cs = charging()
    found = composite(cs, 1, 300)
    assert found == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": iso(cs.now).replace("Z", ".000Z"),
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "duration": 300,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0, "numberPhases": 3}],
        },
    }


def test_sc_37_times_are_the_central_system_s():
    cs = booted()
    cs.offset_s = 5000.0
    cs.crash()  # the clock comes with the next boot
    cs.advance(5)
    charge(cs)
    put(cs, 0, 10, starts_at=cs.now + 5000 + 60)
    found = composite(cs)
    assert found["scheduleStart"].startswith(iso(cs.now + 5000).removesuffix("Z"))
    assert periods(cs) == [(0, 32), (60, 10)]
    cs.advance(60)
    assert amps(cs) == 10


@pytest.mark.parametrize(("unit", "factor"), [("A", 1), ("W", 690)])
def test_sc_39_connector_0_is_what_the_grid_has_to_give(unit, factor):
    cs = charging(evses=2)
    charge(cs, 2, "TAG2")
    put(cs, 0, 10, id=1)
    put(cs, 2, (0, 16), (90, 20), id=2)
    put(cs, 0, (0, 24), (60, 60), id=3, purpose=MAX, starts_at=cs.now)
    assert periods(cs, 0, 600, unit) == [(0, 24 * factor), (60, 26 * factor), (90, 30 * factor)]


def test_sc_40_sc_41_all_that_is_known_of_the_window_counts():
    cs = charging()
    put(cs, 0, (0, 20), (400, 20), id=1, starts_at=cs.now - DAY + 100, recurrency=Recurrency.DAILY, duration_s=500)
    put(cs, 1, (0, 6900), (60, 6900), (120, 8280), id=2, purpose=TX, unit="W", duration_s=200)
    put(cs, 0, 25, id=3, purpose=MAX, valid_from=cs.now + 250, valid_to=cs.now + 800)
    amperes = [(0, 10), (120, 12), (200, 20), (600, 25), (800, 32)]
    assert periods(cs, 1, 1000, "A") == amperes
    assert periods(cs, 1, 1000, "W") == [(second, limit_ * 690) for second, limit_ in amperes]
    assert periods(cs, 1, 600, "A") == amperes[:3]


def test_sc_40_a_schedule_is_executed_as_it_was_told():
    cs = charging()
    put(cs, 0, (0, 20), (37, 16), (91, 10), starts_at=cs.now + 11, duration_s=150)
    put(cs, 1, (0, 13_800), (45, 9_660), purpose=TX, unit="W", id=2, valid_to=cs.now + 120)
    told = dict(periods(cs, 1, 240))
    expected = None
    for second in range(240):
        expected = told.get(second, expected)
        assert amps(cs) == pytest.approx(expected)
        cs.advance(1)


def test_sc_40_direct_current_is_told_in_watts_and_has_no_phases():
    cs = charging(evse=DC)
    put(cs, 0, 50_000, unit="W")
    listed = composite(cs)["chargingSchedule"]
    assert (listed["chargingRateUnit"], listed["chargingSchedulePeriod"]) == (
        "W",
        [{"startPeriod": 0, "limit": 50_000}],
    )
    assert periods(cs, 1, 60, "A") == [(0, 125)]


def test_sc_24_a_daily_night_tariff_with_a_level_below_it():
    cs = charging()  # at ten in the morning
    midnight = cs.now - 10 * 3600
    night = {"starts_at": midnight - 3600 - 14 * DAY, "recurrency": Recurrency.DAILY, "duration_s": 7 * 3600}
    put(cs, 0, 32, id=1, stack_level=1, **night)
    put(cs, 0, 8, id=2)
    found = periods(cs, 1, 2 * DAY)
    hours = [0, 13, 20, 37, 44]
    assert found == list(zip((hour * 3600 for hour in hours), [8, 32, 8, 32, 8], strict=True))
