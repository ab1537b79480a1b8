from __future__ import annotations

import pytest
from fakes.fleet import FakeFleet

from bridge.asking import ListTwins, RestartTwin, Trace
from bridge.levels import Levels
from bridge.limits import RateLimit
from bridge.many import Crowd
from bridge.options import MqttOptions
from bridge.refusals import Code, Refused
from bridge.requests import Requests, model_of
from bridge.tracing import Tracing


def requests(fleet, tracing=None):
    crowd = Crowd(MqttOptions(), fleet, Levels(), RateLimit(100, 500), lambda: 0.0)
    return Requests(fleet, crowd, tracing or Tracing())


def listed(**fields):
    found = []
    fleet = FakeFleet({f"lot-{number:03}": 1 for number in range(250)})
    requests(fleet).carry_out(ListTwins(**fields), found.append, found.append)
    return found[0]["total"], [twin["id"] for twin in found[0]["twins"]]


def test_pages():
    assert listed() == (250, [f"lot-{number:03}" for number in range(100)])
    assert listed(offset=240) == (250, [f"lot-{number}" for number in range(240, 250)])
    assert listed(offset=999) == (250, [])
    assert listed(ids="lot-00*", limit=2) == (10, ["lot-000", "lot-001"])


def test_an_unknown_twin_is_not_restarted():
    with pytest.raises(Refused, match="did you mean 'garage'") as caught:
        requests(FakeFleet()).carry_out(RestartTwin(id="garaeg"), lambda _: None, lambda _: None)
    assert (caught.value.code, caught.value.pointer) == (Code.UNKNOWN_TWIN, "/id")


def test_twins_are_traced_for_a_while_and_no_longer_when_that_is_said():
    found, tracing = [], Tracing(calendar=lambda: 1_700_000_000.0)
    asked = requests(FakeFleet({"lot-1": 1, "lot-2": 1, "garage": 1}), tracing)
    for query in (
        Trace(ids="lot-*"),
        Trace(ids=["garage", "nobody", "garage"], for_s=5),
        Trace(ids="*"),
        Trace(ids="lot-1", for_s=0),
    ):
        asked.carry_out(query, found.append, found.append)
    assert found == [
        {"matched": 2, "until": "2023-11-14T22:23:20.000Z", "unknown": []},
        {"matched": 1, "until": "2023-11-14T22:13:25.000Z", "unknown": ["nobody"]},
        {"matched": 3, "until": "2023-11-14T22:23:20.000Z", "unknown": []},
        {"matched": 1, "until": None, "unknown": []},
    ]
    assert [twin in tracing for twin in ("lot-1", "lot-2", "garage", "nobody")] == [False, True, True, False]


def test_verbs():
    assert model_of("list_twins") is ListTwins
    assert model_of("restart_twin") is RestartTwin
    with pytest.raises(Refused, match="did you mean 'list_twins'"):
        model_of("list_twin")
