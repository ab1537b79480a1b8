import re

import pytest
import trustme
from cryptography import x509
from fakes.tls import written

from config.fleet import seed, spec_of
from config.presets import cars, chargers
from config.settings import Settings
from config.twins import TwinSettings
from twin.model.spec import KeyAs, KeySpec, OnRestart

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


# --- The Central System over TLS --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    """Be a folder with a certificate (`cp.pem`), its key (`cp.key`), both (`both.pem`), and another key (`x.key`)."""
    folder = tmp_path_factory.mktemp("pems")
    authority = trustme.CA()
    leaf = authority.issue_cert("CP1")
    written(folder / "cp.pem", *leaf.cert_chain_pems)
    written(folder / "cp.key", leaf.private_key_pem)
    written(folder / "both.pem", leaf.private_key_pem, *leaf.cert_chain_pems)
    written(folder / "x.key", authority.issue_cert("CP2").private_key_pem)
    written(folder / "roots.pem", authority.cert_pem, trustme.CA().cert_pem)
    for path in folder.iterdir():
        path.chmod(0o600)
    return folder


def test_a_twin_may_begin_at_any_profile(loaded, pems):
    text = f"""
    csms: {{url: ws://h/, security_profile: 1, password: p, ca_file: {pems}/roots.pem}}
    twins:
      - {{id: a}}
      - {{id: b, csms: {{security_profile: 2, tls_url: "wss://h:9443/", authorization_key_as: text}}}}
      - {{id: c, csms: {{security_profile: 3, certificate_file: {pems}/cp.pem, key_file: {pems}/cp.key}}}}
      - {{id: d, csms: {{security_profile: 3, certificate_file: {pems}/both.pem}}}}
    """
    loaded_ = loaded(text)
    a, b, c, d = (twin.csms for twin in loaded_.twins)
    assert [one.security_profile for one in (a, b, c, d)] == [1, 2, 3, 3]
    assert (a.tls_url, a.authorization_key_as) == (None, KeyAs.BYTES)
    assert (b.tls_url, b.authorization_key_as) == ("wss://h:9443/", KeyAs.TEXT)
    assert (c.certificate_file, c.key_file) == (f"{pems}/cp.pem", f"{pems}/cp.key")
    assert (d.certificate_file, d.key_file) == (f"{pems}/both.pem", None)
    assert (a.certificate_validity, c.certificate_validity) == (None, d.certificate_validity)
    certificate = x509.load_pem_x509_certificate((pems / "cp.pem").read_bytes())
    from_until = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    assert c.certificate_validity == from_until
    assert not [note for note in loaded_.notes if "key_file" in note]


def test_t_30_a_twin_may_be_tolerant(loaded):
    twins = loaded("twins: [{id: a}, {id: b, csms: {tolerant: true}}]").twins
    assert [twin.csms.tolerant for twin in twins] == [False, True]


def test_the_certificates_of_a_file_are_known_one_by_one(loaded, pems):
    text = f"""
    csms: {{ca_file: {pems}/roots.pem}}
    twins: [{{id: "a{{1..3}}", manufacturer_ca_file: {pems}/both.pem}}, {{id: b}}]
    """
    *many, one = loaded(text).twins
    given = (pems / "roots.pem").read_text()
    assert len(one.csms.roots) == 2
    assert "".join(one.csms.roots) == given
    assert all(twin.csms.roots is one.csms.roots for twin in many)
    assert [len(twin.manufacturer_roots) for twin in (*many, one)] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ("certificate_file: cp.pem", "twins[0].csms.certificate_file: found"),
        ("certificate_file: cp.key", "and its key there or in key_file"),
        ("certificate_file: cp.pem, key_file: x.key", "(key values mismatch)"),
        ("key_file: cp.key", "twins[0].csms.key_file: allowed: a file beside one in certificate_file"),
        ("ca_file: cp.key", "twins[0].csms.ca_file: found"),
    ],
)
def test_a_certificate_without_its_key_is_told(problems, pems, monkeypatch, files, said):
    monkeypatch.chdir(pems)
    (line,) = problems(f"twins: [{{id: a, csms: {{{files}}}}}]")
    assert said in line


def test_a_private_key_that_everybody_may_read_is_told(loaded, pems, tmp_path):
    key = tmp_path / "open.key"
    key.write_bytes((pems / "cp.key").read_bytes())
    key.chmod(0o644)
    (note,) = loaded(f"twins: [{{id: a, csms: {{certificate_file: {pems}/cp.pem, key_file: {key}}}}}]").notes
    assert f"everybody on this machine may read the private key in {key}" in note


def test_an_optional_key_may_be_absent(loaded):
    (twin,) = loaded("twins: [{id: a, keys: {AuthorizationCacheEnabled: {absent: true}}}]").twins
    assert twin.keys == {"AuthorizationCacheEnabled": KeySpec("", absent=True)}


def test_security_keys_may_stand_among_the_keys(loaded):
    key = "00112233445566778899aabbccddeeff"
    (twin,) = loaded(f"twins: [{{id: a, keys: {{SecurityProfile: 2, AuthorizationKey: {key}}}}}]").twins
    assert twin.keys == {"SecurityProfile": KeySpec("2"), "AuthorizationKey": KeySpec(key)}


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
        ("[{id: a, csms: {backoff: {min: 2h}}}]", "twins[0].csms.backoff: min is 7200s, max 60s; allowed: min <= max"),
        ("[{id: a, evses: 0}]", "twins[0].evses: found 0; allowed: a number from 1 to 1000, or a list"),
        ("[{id: a, evses: true}]", "twins[0].evses: found true"),
        ("[{id: a, keys: {K: null}}]", "twins[0].keys.K: found null; allowed: a text, a number, true, false"),
        ("[{id: a, keys: {K: {readonly: true}}}]", "twins[0].keys.K: found"),
        ("[{id: a, keys: {K: {absent: true, value: 3}}}]", "twins[0].keys.K: found"),
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
