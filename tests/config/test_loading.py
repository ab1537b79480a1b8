from pathlib import Path

import pytest

from config import loading
from config.loading import http_settings, load
from config.problems import ConfigError


def test_later_files_are_merged_over_earlier_ones(loaded):
    found = loaded("{node: a, mqtt: {url: mqtt://one, keepalive: 5}}", "{mqtt: {url: mqtt://two}, twins: [{id: x}]}")
    assert (found.settings.node, found.settings.mqtt.url, found.settings.mqtt.keepalive) == ("a", "mqtt://two", 5)
    assert [Path(name).name for name in found.sources] == ["0.yaml", "1.yaml"]


def test_lists_are_replaced(loaded):
    assert [twin.id for twin in loaded("twins: [{id: a}, {id: b}]", "twins: [{id: c}]").twins] == ["c"]


def test_the_environment_stands_above_the_files(loaded):
    found = loaded(
        "mqtt: {url: mqtt://one, mask_id_tags: false}",
        OCPP_TWIN__MQTT__URL="mqtt://two",
        OCPP_TWIN__MQTT__MASK_ID_TAGS="true",
        OCPP_TWIN__MQTT__ALLOW='["set/*"]',
        OCPP_TWIN__MQTT__PASSWORD="12345",
        OCPP_TWIN__MQTT__TRACE="lot-*",
        OCPP_TWIN__NODE="",
        OTHER="x",
    )
    mqtt = found.settings.mqtt
    assert (mqtt.url, mqtt.mask_id_tags, mqtt.allow, mqtt.password, mqtt.trace) == (
        "mqtt://two",
        True,
        ["set/*"],
        "12345",
        ["lot-*"],
    )
    assert found.settings.node == "main"
    assert found.sources[-1] == "environment"


def test_the_environment_alone_is_a_configuration(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "DEFAULT_FILES", loading.DEFAULT_FILES[:1])
    assert [twin.id for twin in load((), {"OCPP_TWIN__TWINS": '[{"id": "a"}]'}).twins] == ["a"]


def test_without_any_configuration_it_is_said_where_it_was_looked_for(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "DEFAULT_FILES", loading.DEFAULT_FILES[:1])
    with pytest.raises(ConfigError, match=r"there is no ocpp-twin.yaml; name a file with --config FILE"):
        load((), {})
    assert load((), {}, required=False).settings.mqtt.url == "mqtt://localhost:1883"


def test_the_file_in_the_working_folder_counts(monkeypatch, tmp_path):
    (tmp_path / "ocpp-twin.yaml").write_text("node: here")
    monkeypatch.chdir(tmp_path)
    assert load((), {}).settings.node == "here"


def test_an_empty_file_and_empty_sections_are_defaults(loaded):
    assert loaded("").settings.node == "main"
    assert loaded("mqtt:\nnode:\ncsms: {url: }").settings.csms.url == "ws://localhost:9000/ocpp"


def test_secrets_come_from_files(loaded, tmp_path):
    (tmp_path / "secret").write_text("hunter2\n")
    mqtt = loaded(f"mqtt: {{password_file: {tmp_path}/secret}}").settings.mqtt
    assert mqtt.password_file == "hunter2"
    assert "hunter2" not in repr(mqtt)


def test_every_problem_is_told_at_once_with_the_source_that_has_it(problems):
    lines = problems(
        "{nod: x, mqtt: {keepalive: 5}, twins: [{id: a, template: nope}, {id: b, evses: 0}, {id: c, identity: a d}]}",
        "mqtt: {url: 'http://x'}",
        OCPP_TWIN__MQTT__KEEPALIVE="9x",
    )
    assert lines == [
        (
            '1.yaml: mqtt.url: found "http://x"; allowed: a URL such as mqtt://localhost:1883 '
            "(with mqtt://, mqtts://, ws://, wss://); did you mean mqtt://x?"
        ),
        (
            'environment OCPP_TWIN__MQTT__KEEPALIVE: mqtt.keepalive: found "9x"; allowed: a duration in seconds '
            "from 1 to 65535, such as 30s (units: s, ms, m, min, h, d)"
        ),
        (
            "0.yaml: twins[1].evses: found 0; allowed: a number from 1 to 1000, or a list of EVSEs such as "
            "{max_a: 16, phases: 3}"
        ),
        (
            '0.yaml: nod: unknown; did you mean "node"? Known here: clock, csms, devices, home_assistant, http, infer, '
            "inputs, logs, mqtt, node, outputs, store, templates, transfers, twins"
        ),
        (
            '0.yaml: twins[0].template: found "nope": unknown; Known here: ac-11kw, ac-22kw, ac-22kw-dual, ac-4kw, '
            "ac-7kw, dc-150kw, dc-350kw, dc-50kw, socket-2kw"
        ),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", '0.yaml: found ["a"]; allowed: settings such as node: main'),
        ("a: [", "0.yaml: is not YAML: line 1, column 5: "),
        ("node: a\nnode: b", "0.yaml: is not YAML: line 2, column 1: node stands twice"),
        ("1: x", "0.yaml: found the key 1; allowed: a text; a number or a word such as on needs quotes to be one"),
        ("twins: [{id: a, keys: {on: 1}}]", "0.yaml: twins[0].keys: found the key true; allowed: a text"),
        ("node: !!python/object:os.system {}", "0.yaml: is not YAML"),
        ("node: &a [*a]", "0.yaml: is nested too deeply"),
        ("node: \x01", "0.yaml: is not YAML"),
        ("node: a b", '0.yaml: node: found "a b"; allowed: 1 to 64 letters'),
        ("node: 7", "0.yaml: node: found 7; allowed: a text; a number or a word such as yes needs quotes to be one"),
        ("mqtt: 3", "0.yaml: mqtt: found 3; allowed: a mapping of settings to values"),
        ("mqtt: {password: 12}", "0.yaml: mqtt.password: found ***; allowed: a text"),
        ("mqtt: {password_file: /nowhere}", "this one: no such file or directory"),
        ("mqtt: {password: x, password_file: /x}", "allowed: either this or password, not both"),
        ("mqtt: {key_file: /dev/null}", "allowed: only together with cert_file"),
        ("mqtt: {ca_file: /dev/null}", "0.yaml: mqtt.ca_file: found"),
        ("mqtt: {backoff: {min: 9s, max: 1s}}", "0.yaml: mqtt.backoff.max: found"),
        ("mqtt: {base_topic: a/+}", "0.yaml: mqtt.base_topic: found"),
        ("mqtt: {url: 'mqtt://h:99999'}", "0.yaml: mqtt.url: found"),
        ("csms: {url: 'ws://me:x@h/'}", "without user and password"),
        ("csms: {url: 'ws://h/?a=b'}", "without ? and #"),
        ("csms: {security_profile: 4}", "0.yaml: csms.security_profile: found 4"),
        ("csms: {tls_url: 'ws://h/'}", "0.yaml: csms.tls_url: found"),
        ("csms: {authorization_key_as: hex}", "0.yaml: csms.authorization_key_as: found"),
        ("csms: {certificate_file: none.pem}", "0.yaml: csms.certificate_file: found"),
        ("csms: {key_file: 0.yaml}", "0.yaml: csms.key_file: "),
        ("store: {url: 'postgres://x'}", "0.yaml: store.url: found"),
        ("store: {url: 'sqlite:///'}", "0.yaml: store.url: found"),
        ("clock: {rate: 0}", "0.yaml: clock.rate: found 0"),
        ("inputs: [{topic: a}]", "0.yaml: inputs[0].to: this setting is required"),
        ("outputs: [{topic: a}]", "0.yaml: outputs[0].from: this setting is required"),
        ("outputs: [{from: a/1/limit, topic: a, paiload: b}]", 'did you mean "payload"?'),
        ("infer: [{evse: a}]", "at least one of plugged, charging, unplugged"),
        ("home_assistant: {prefix: 'ha/#'}", "0.yaml: home_assistant.prefix: found"),
        ("home_assistant: {max_twins: -1}", "0.yaml: home_assistant.max_twins: found -1"),
        ("home_assistant: {topic: ha}", "0.yaml: home_assistant.topic: unknown"),
        ("twins: {id: a}", "0.yaml: twins: found"),
        ("twins: [{}]", "0.yaml: twins[0].id: this setting is required"),
        ("twins: {id: a}", "allowed: a list, each item after a dash, such as - id: …"),
        ("twins: [garage]", "allowed: a mapping of settings to values, such as id: …"),
        ("twins: [{id: a}, {id: a}]", 'found "a", which twins[0] has already; each twin needs one of its own'),
        ("twins: [{id: a, identity: 12345}]", "identity: found 12345; allowed: a text; a number or a word such as yes"),
        ("twins: [{id: a, firmware_version: 1.0}]", "firmware_version: found 1.0; allowed: a text; a number"),
        ("twins: [{id: on}]", "id: found true; allowed: a text; a number or a word such as yes needs quotes"),
        ("twins: [{id: a, url: ws://h}]", "twins[0].url: unknown here; it belongs below csms"),
        ("twins: [{id: a, evses: [{maxa: 3}]}]", 'twins[0].evses[0].maxa: unknown; did you mean "max_a"?'),
        ("templates: {t: {vendr: a}}", 'templates.t.vendr: unknown; did you mean "vendor"?'),
        ("base_topic: x", "base_topic: unknown here; it belongs below mqtt"),
        ("mqtt: {host: h}", 'mqtt.host: unknown; did you mean "url"?'),
        ("broker: {url: 'mqtt://h'}", 'broker: unknown; did you mean "mqtt"?'),
        ("csms: {backoff: {minimum: 3}}", 'csms.backoff.minimum: unknown; did you mean "min"?'),
        ("mqtt: [url: 'mqtt://h']", "such as url: …; leave out the dash"),
        ("mqtt:\n  url:mqtt://h", "such as url: …; a colon needs a space after it"),
        ("mqtt:\n  url mqtt://h", "such as url: …; a setting needs a colon after its name"),
        ("twins:\n  - {id: a, evses: [{-max_a: 3}]}", 'did you mean "max_a"? Type it anew'),
        ("mqtt:\n\u00a0\u00a0url: mqtt://h", 'did you mean "url"? Type it anew'),
        ("node: \u201cmain\u201d", "the quotes around it are typographic: type plain ones"),
        ("csms: {url: 'http://h:9000/ocpp'}", "did you mean ws://h:9000/ocpp?"),
        ("csms: {url: 'https://h/ocpp'}", "did you mean wss://h/ocpp?"),
        ("csms: {url: 'h:9000/ocpp'}", "did you mean ws://h:9000/ocpp?"),
        ("csms: {url: 'ws://<host>/ocpp'}", "without spaces, quotes and brackets"),
        ("csms: {url: 'ws://h:port/ocpp'}", "whose port is a number from 1 to 65535"),
        ("mqtt: {url: 'tcp://h:1883'}", "did you mean mqtt://h:1883?"),
        ("mqtt: {url: 'ssl://me:pw@h:8883'}", "did you mean mqtts://me:***@h:8883?"),
        ("mqtt: {url: 'localhost:1883'}", "did you mean mqtt://localhost:1883?"),
        ("store: {url: 'sqlite://var/lib/x.db'}", "did you mean sqlite:////var/lib/x.db?"),
        ("store: {url: '/var/lib/x.db'}", "did you mean sqlite:////var/lib/x.db?"),
        ("store: {url: x.db}", "did you mean sqlite:///x.db?"),
        ("store: {url: 'postgresql://h/x'}", "there is no other database than SQLite"),
        ("store: {url: 'sqlite:////tmp/'}", "the name of a file is missing"),
        ("mqtt: {ca_file: /nowhere}", "a file that can be read; this one: no such file or directory"),
        ("mqtt: {password_file: /dev/null}", "a file with the secret in it; this one is empty"),
        ("mqtt: {cert_file: /dev/null}", "mqtt.cert_file: found"),
        ("csms: {security_profile: 4}", "allowed: at most 3"),
    ],
)
def test_bad_input_is_one_sentence(problems, text, said):
    (line,) = problems(text)
    assert said in line


def test_a_secret_is_never_shown(problems):
    lines = problems("{mqtt: {url: 'http://me:hunter2@x', password: [hunter2]}, csms: [{password: hunter2}]}")
    assert len(lines) == 3
    assert "hunter2" not in "".join(lines)


def test_a_missing_or_unreadable_file_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: no such file"):
        load([tmp_path / "none.yaml"], {})
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        load([tmp_path], {})
    (tmp_path / "latin").write_bytes(b"node: \xe9")
    with pytest.raises(ConfigError, match="is not text in UTF-8"):
        load([tmp_path / "latin"], {})


def test_an_unknown_variable_is_told(problems):
    (line,) = problems("", OCPP_TWIN__MQT__URL="x")
    assert line.startswith('environment OCPP_TWIN__MQT__URL: unknown; did you mean "mqtt"?')
    (line,) = problems("", OCPP_TWIN__MQTT__URI="x")
    assert line.startswith('environment OCPP_TWIN__MQTT__URI: mqtt.uri: unknown; did you mean "url"?')


def test_a_key_of_ocpp_in_the_wrong_place_is_known(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("twins: [{id: a, HeartbeatInterval: 5}]")
    with pytest.raises(ConfigError, match="is a configuration key of OCPP: it belongs below keys"):
        load([file], {}, standard_keys=("HeartbeatInterval",))


def test_what_is_wrong_with_keys_is_asked_of_who_knows_them(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("{templates: {t: {keys: {B: 2}}}, twins: [{id: a, keys: {A: 1, AuthorizationKey: x}}]}")
    with pytest.raises(ConfigError) as caught:
        load([file], {}, key_problem=lambda key, _: None if key == "A" else f"{key} is wrong")
    assert str(caught.value).replace(f"{tmp_path}/", "").splitlines() == [
        "a.yaml: twins[0].keys.AuthorizationKey: found ***; AuthorizationKey is wrong",
        'a.yaml: templates.t.keys.B: found "2"; B is wrong',
    ]


def test_yaml_anchors_work(loaded):
    text = "{templates: {a: &a {max_a: 10, phases: 1}, b: {<<: *a, max_a: 20}}, twins: [{id: x, template: b}]}"
    (twin,) = loaded(text).twins
    assert (twin.evses[0].max_a, twin.evses[0].phases) == (20, 1)


def test_a_mapping_that_is_merged_into_another_one_before_it_is_read_is_no_duplicate(loaded):
    text = """
    templates: {a: &a {max_a: 10}, b: {csms: &b {<<: {url: ws://one/}, url: ws://two/}}}
    csms: {<<: *b}
    twins: [{id: x, template: a}]
    """
    assert loaded(text).twins[0].csms.url == "ws://two/"


def test_a_misspelt_key_is_not_taken_for_a_vendors_without_a_word(tmp_path):
    file = tmp_path / "ocpp-twin.yaml"
    file.write_text("twins: [{id: a, keys: {HeartbeatIntervall: 5, heartbeatinterval: 6, Colour: red}}]")
    notes = load((file,), {}, standard_keys=("HeartbeatInterval",)).notes
    path = "twins[0].keys.HeartbeatIntervall"
    assert [note for note in notes if "keys" in note] == [
        f"{path}: taken for a vendor key; did you mean HeartbeatInterval?"
    ]


def test_where_http_is_served_is_read_alone(tmp_path):
    # Of the rest nothing is looked at: what is wrong there is said by those who need it.
    (tmp_path / "a.yaml").write_text("http: {enabled: true, port: 80}\ntwins: [{id: 1/2}]\ntwinz: 3\n")
    found = http_settings([tmp_path / "a.yaml"], {"OCPP_TWIN__HTTP__HOST": "::1"})
    assert (found.enabled, found.host, found.port) == (True, "::1", 80)


def test_what_is_wrong_with_http_is_told(tmp_path, problems):
    (tmp_path / "a.yaml").write_text("http: {enabled: true, port: 80}\n")
    with pytest.raises(ConfigError, match="environment OCPP_TWIN__HTTP__PORT"):
        http_settings([tmp_path / "a.yaml"], {"OCPP_TWIN__HTTP__PORT": "http"})
    for host in ("''", "a b", "http://x", "me@x"):
        (line,) = problems(f"http: {{host: {host!r}}}")
        assert line.startswith("0.yaml: http.host: ")


@pytest.mark.parametrize(
    ("given", "globs"), [("true", ["*"]), ("false", []), ("lot-*", ["lot-*"]), ("[a, b]", ["a", "b"])]
)
def test_twins_with_metrics_of_their_own_are_globs(loaded, given, globs):
    assert loaded(f"http: {{twin_metrics: {given}}}").settings.http.twin_metrics == globs
