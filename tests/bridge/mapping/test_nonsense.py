"""Whatever a device says, an input makes a command of it or refuses it: nothing else happens, and nothing is lost."""

from __future__ import annotations

import json

import pytest
from fakes.fleet import FakeFleet
from fakes.sensors import Sensors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.options import MqttOptions
from config import devices

FIELDS = [
    *("apower", "aenergy", "total", "temperature", "tC", "params", "switch:0", "em:0", "ENERGY", "Power", "Voltage"),
    *("Total", "RC522", "UID", "power", "energy", "state", "charger_state", "error_state", "iec61851_state"),
    *("power_W", "energy_Wh_import", "current_A", "active_permanent_faults", "energy_abs", "total_act_power"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["Charging", "3"]),
    lambda inner: (
        st.lists(inner, max_size=16) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=30,
)
PAYLOADS = st.binary(max_size=64) | JSON.map(lambda found: json.dumps(found).encode())


def given_of(name):
    kind = devices.preset(name)
    return {word: "x" for word, variable in kind.variables.items() if variable.default is None}


@pytest.mark.parametrize("name", devices.names())
async def test_each_payload_is_a_command_an_error_or_says_nothing(name):
    options = MqttOptions(rate_per_s=1e9, rate_burst=1_000_000)
    sensors = Sensors(
        FakeFleet({"garage": 1}), options, devices=[{"preset": name, "evse": "garage/1", **given_of(name)}]
    )
    topics = sorted({rule.pattern.filter for rule in sensors.real.feed._rules})
    said = 0

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(topics), PAYLOADS)
    def run(topic, payload):
        nonlocal said
        said += 1
        sensors.say(topic, payload)

    run()
    assert sensors.acknowledged == said
    codes = {error["code"] for error in sensors.errors}
    assert codes <= {"template_error", "bad_value", "out_of_range", "bad_json"}, "nothing is internal"
