"""The reference of settings and keys is complete, and says what may be written."""

from config.settings import MqttSettings, Settings
from docs import keys_table, settings_tables
from twin.ocpp.v16.keys import KEYS


def row(text, name):
    (found,) = (line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_every_setting_has_a_line_and_says_what_it_is():
    text = settings_tables.text()
    names = [f"mqtt.{name}" for name in MqttSettings.model_fields if name not in ("backoff", "rate_limit")]
    for name in ["node", *names, "mqtt.backoff.min", "csms.backoff.jitter", "store.url", "id", "max_a", "readonly"]:
        assert row(text, name)[3]
    assert all(f"`{name}" in text for name in Settings.model_fields)


def test_quantities_and_choices_show_how_they_are_written():
    text = settings_tables.text()
    assert row(text, "mqtt.keepalive")[1:3] == ["a duration in seconds, such as `30s`", "`30s`"]
    assert row(text, "max_w")[1:3] == ["a power in W, such as `7.4kW`", ""]
    assert row(text, "on_restart")[1:3] == ["`resume`, `power_loss`", "`resume`"]
    assert row(text, "id")[2] == "required"
    assert row(text, "evses")[2] == "`1`"


def test_every_key_has_a_line():
    text = keys_table.text()
    assert all(row(text, key) for key in KEYS)
    assert row(text, "HeartbeatInterval")[1:] == ["0 or more", "`300`", "read, write"]
    assert row(text, "AuthorizationKey")[3] == "write"
    assert row(text, "NumberOfConnectors")[3] == "read"
