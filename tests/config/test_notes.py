import pytest


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("mqtt: {url: 'mqtt://h:8883'}", "mqtt.url: port 8883 is usually that of MQTT over TLS"),
        ("mqtt: {url: 'mqtts://h:1883'}", "did you mean mqtt://?"),
        ("mqtt: {url: 'mqtt://h:9001'}", "did you mean ws://?"),
        ("mqtt: {username: me}", "mqtt.username: there is no password to it"),
        ("store: {url: 'sqlite:///var/lib/x.db'}", "with four slashes, sqlite:////var/lib/x.db, it would not"),
        ("csms: {security_profile: 1}", 'twin "a" has no password'),
    ],
)
def test_what_is_perhaps_not_meant_is_told(loaded, text, note):
    (found,) = loaded(f"twins: [{{id: a}}]\n{text}").notes
    assert note in found


@pytest.mark.parametrize(
    "text",
    [
        "mqtt: {url: 'mqtts://h'}",
        "mqtt: {url: 'mqtt://h:11883'}",
        "mqtt: {url: 'wss://h:8884/mqtt'}",
        "mqtt: {url: 'mqtt://h', username: me, password: p}",
        "store: {url: 'sqlite:////var/lib/x.db'}",
        "store: {url: 'sqlite:///data.db'}",
        "csms: {security_profile: 1, password: p}",
        "templates: {t: {keys: {AuthorizationKey: 4f43}, csms: {security_profile: 1}}}",
    ],
)
def test_what_is_usual_is_not(loaded, text):
    assert loaded(f"twins: [{{id: a}}]\n{text}").notes == ()


def test_no_twins_are_told_where_nobody_said_so(loaded):
    (note,) = loaded("node: a").notes
    assert note.startswith("twins: there are none; write `twins: [{id: garage, template: ac-11kw}]`")
    assert loaded("twins: []").notes == ()
