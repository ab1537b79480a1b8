from __future__ import annotations

import pytest
from fakes.fleet import FakeFleet

from bridge.asking import ListTwins, RestartTwin
from bridge.levels import Levels
from bridge.limits import RateLimit
from bridge.many import Crowd
from bridge.options import MqttOptions
from bridge.refusals import Code, Refused
from bridge.requests import Requests, model_of


def requests(fleet):
    return Requests(fleet, Crowd(MqttOptions(), fleet, Levels(), RateLimit(100, 500), lambda: 0.0))


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


def test_verbs():
    assert model_of("list_twins") is ListTwins
    assert model_of("restart_twin") is RestartTwin
    with pytest.raises(Refused, match="did you mean 'list_twins'"):
        model_of("list_twin")
