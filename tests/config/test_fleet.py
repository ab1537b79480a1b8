import re

import pytest

from config.fleet import seed, spec_of
from config.presets import cars, chargers
from config.settings import Settings
from config.twins import TwinSettings
from twin.model.spec import KeySpec, OnRestart

TEMPLATE = """
    csms: {url: ws://one/ocpp, password: outer, backoff: {min: 1s}}
    templates:
      wall: {vendor: Acme, model: Wall 11, evses: 1, max_a: 16A, phases: 1, keys: {HeartbeatInterval: 60, Mine: "7"}}
"""


def test_a_twin_without_anything_has_the_defaults(loaded):
    (twin,) = loaded("twins: [{id: garage}]").twins
    assert (twin.id, twin.identity, twin.vendor, twin.on_restart) == ("garage", "garage", "ocpp-twin", OnRestart.RESUME)
    assert [evse.max_a for evse in twin.evses] == [32.0]


def test_a_template_is_overridden_by_the_twin(loaded):
    text = f"""{TEMPLATE}
    twins:
      - id: garage
        template: wall
        identity: "CP 001/A"
        model: Wall 12
        csms: {{url: wss://two/ocpp, backoff: {{max: 2min}}}}
        on_restart: power_loss
        reboot_time: 9s
        evses: [{{max_a: 20}}, {{meter_start_wh: 1kWh}}]
        keys: {{heartbeatinterval: 300}}
    """
    (twin,) = loaded(text).twins
    assert (twin.vendor, twin.model, twin.identity) == ("Acme", "Wall 12", "CP 001/A")
    assert (twin.on_restart, twin.reboot_time_s) == (OnRestart.POWER_LOSS, 9.0)
    assert (twin.csms.url, twin.csms.password) == ("wss://two/ocpp", "outer")
    assert (twin.csms.backoff_min_s, twin.csms.backoff_max_s) == (1.0, 120.0)
    assert [(evse.max_a, evse.phases, evse.meter_start_wh) for evse in twin.evses] == [(20, 1, 0), (16, 1, 1000)]
    assert twin.keys == {"heartbeatinterval": KeySpec("300"), "Mine": KeySpec("7")}


def test_a_range_makes_twins_that_share_what_they_consist_of(loaded):
    text = f"{TEMPLATE}\n    twins: [{{id: 'lot-{{001..500}}', template: wall}}, {{id: extra, template: wall}}]"
    twins = loaded(text).twins
    assert [twins[0].id, twins[499].id, twins[500].id] == ["lot-001", "lot-500", "extra"]
    for name in ("csms", "evses", "keys"):
        assert len({id(getattr(twin, name)) for twin in twins}) == 1, name
    assert twins[0].evses[0] is twins[500].evses[0]


def test_names_of_a_range_may_be_ranges_too(loaded):
    text = """
    twins:
      - {id: "lot-{1..3}", identity: "CP/{07..09}", serial_number: "S{1..3}", imsi: "901"}
    """
    twins = loaded(text).twins
    assert [twin.identity for twin in twins] == ["CP/07", "CP/08", "CP/09"]
    assert [twin.serial_number for twin in twins] == ["S1", "S2", "S3"]
    assert [twin.imsi for twin in twins] == ["901"] * 3


def test_the_seed_depends_on_the_id_alone():
    assert seed("garage") == seed("garage") != seed("garagf")


def test_a_built_in_template_can_be_named_and_replaced(loaded):
    (twin,) = loaded("twins: [{id: a, template: ac-22kw}]").twins
    assert (twin.evses[0].max_a, twin.evses[0].phases) == (32, 3)
    (twin,) = loaded("{templates: {ac-22kw: {max_a: 10}}, twins: [{id: a, template: ac-22kw}]}").twins
    assert twin.evses[0].max_a == 10


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("300", "300"),
        ("true", "true"),
        ("1.5", "1.5"),
        ("2.0", "2"),
        ('"0x1"', "0x1"),
        ("[a, b]", "a,b"),
        ("{value: 7, readonly: true}", "7"),
    ],
)
def test_keys_are_written_as_ocpp_writes_them(loaded, written, value):
    (twin,) = loaded(f"twins: [{{id: a, keys: {{K: {written}}}}}]").twins
    assert twin.keys["K"].value == value


def test_a_key_can_come_from_a_file(loaded, tmp_path):
    (tmp_path / "key").write_text("0123456789abcdef\n")
    (twin,) = loaded(f"twins: [{{id: a, keys: {{AuthorizationKey: {{value_file: {tmp_path}/key}}}}}}]").twins
    assert twin.keys["AuthorizationKey"].value == "0123456789abcdef"


def test_a_password_file_of_a_twin_replaces_the_password_of_all(loaded, tmp_path):
    (tmp_path / "secret").write_text("inner\n")
    (twin,) = loaded(f"{TEMPLATE}\n    twins: [{{id: a, csms: {{password_file: {tmp_path}/secret}}}}]").twins
    assert twin.csms.password == "inner"


@pytest.mark.parametrize(
    ("twins", "said"),
    [
        ("[{id: a}, {id: a}]", 'twins[1].id: found "a", which twins[0] has already'),
        ("[{id: 'a{1..3}'}, {id: a2}]", 'twins[1].id: found "a2", which twins[0] has already'),
        ("[{id: a}, {id: b, identity: a}]", 'twins[1].identity: found "a", which twins[0] has already at the same'),
        ("[{id: 'a{1..2}', identity: x}]", 'twins[0].identity: found "x", 1 of it; allowed: 2, as many as ids'),
        ("[{id: a, serial_number: 12345678901234567890123456}]", "needs quotes"),
        ("[{id: a, iccid: '123456789012345678901'}]", "twins[0].iccid: found"),
        ("[{id: a, template: ac-23kw}]", 'twins[0].template: found "ac-23kw": unknown; did you mean "ac-22kw"?'),
        ("[{id: bridge}]", "twins[0].id: found"),
        ("[{id: 'a{3..1}'}]", "allowed: one range such as lot-{001..500}"),
        ("[{id: a, csms: {security_profile: 2}}]", "twins[0].csms.security_profile: found 2, which needs a wss:// URL"),
        ("[{id: a, csms: {backoff: {min: 2h}}}]", "twins[0].csms.backoff: min is 7200s, max 60s; allowed: min <= max"),
        ("[{id: a, evses: 0}]", "twins[0].evses: found 0; allowed: a number from 1 to 1000, or a list"),
        ("[{id: a, evses: true}]", "twins[0].evses: found true"),
        ("[{id: a, keys: {K: null}}]", "twins[0].keys.K: found null; allowed: a text, a number, true, false"),
        ("[{id: a, keys: {K: {readonly: true}}}]", "twins[0].keys.K: found"),
        ("[{id: a, csms: {security_profile: 3}}]", "client certificates (profile 3) are not supported"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(problems, twins, said):
    (line,) = problems(f"twins: {twins}")
    assert said in line


def test_the_same_identity_at_two_central_systems_is_fine(loaded):
    assert len(loaded("twins: [{id: a}, {id: b, identity: a, csms: {url: ws://other/}}]").twins) == 2


def test_one_entry_alone_becomes_specs_as_well():
    settings = Settings.model_validate({"csms": {"url": "ws://x/"}})
    ((spec,), wrong) = spec_of(TwinSettings.model_validate({"id": "new", "evses": 2}), settings)
    assert (spec.csms.url, len(spec.evses), wrong) == ("ws://x/", 2, [])


def test_every_preset_can_be_used():
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in [*cars(), *chargers()])
    assert all(car.name == name and car.battery_kwh for name, car in cars().items())
    settings = Settings.model_validate({"twins": [{"id": name, "template": name} for name in chargers()]})
    for twin in settings.twins:
        assert spec_of(twin, settings)[1] == []
