from __future__ import annotations

import pytest
from fakes.watching import evse, fleet, station

from bridge.asking import COMMANDS, LEVELS
from bridge.watching import keys
from bridge.watching.shapes import Answer


def test_keys_turn_around_what_is():
    known = fleet("garage")
    twin = known.twins["garage"]
    assert keys.order("p", twin, 1).fields == {"value": "ON"}
    evse(known, "garage", plugged=True, ev_ready=False)
    station(known, "garage", powered=False, network=False)
    assert [keys.order(key, twin, 1).fields["value"] for key in "pvmn"] == ["OFF", "ON", "ON", "ON"]
    assert [keys.order(key, twin, 1).words for key in "pvmn"] == [
        "unplug at garage/1",
        "the car wants energy at garage/1",
        "mains on at garage",
        "network on at garage",
    ]


def test_every_key_is_a_command_that_the_daemon_knows():
    twin = fleet("garage").twins["garage"]
    for key in keys.HELP:
        kind, name = keys.order(key, twin, 1, "X").topic.split("/")[-2:]
        assert name in {"set": LEVELS, "cmd": COMMANDS}[kind]
        assert key in keys.HINTS
    with pytest.raises(KeyError):
        keys.order("x", twin, 1)


def test_faults():
    known = fleet("garage")
    twin = known.twins["garage"]
    assert not keys.is_faulted(twin, 1)
    assert not keys.is_faulted(twin, 9)
    evse(known, "garage", error_code="OtherError")
    assert keys.is_faulted(twin, 1)
    assert keys.order("f", twin, 1, "NoError").words == "clear all faults at garage/1"
    assert keys.order("f", twin, 1, "OtherError").words == "fault OtherError at garage/1"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer("", None, "ok"), ("x: ok", True)),
        (Answer("", None, "ignored", "duplicate", "was taken before"), ("x: ignored, was taken before", True)),
        (Answer("", None, "error", "offline", "no connection"), ("x: offline, no connection", False)),
        (Answer("", None, "error", "internal"), ("x: internal", False)),
    ],
)
def test_outcomes(answer, told):
    assert keys.outcome("x", answer) == told
