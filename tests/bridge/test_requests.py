from __future__ import annotations

import pytest
from fakes.fleet import FakeFleet

from bridge import requests
from bridge.intake import ListTwins, RestartTwin
from bridge.refusals import Code, Refused


def listed(**fields):
    found = []
    fleet = FakeFleet({f"lot-{number:03}": 1 for number in range(250)})
    requests.carry_out(ListTwins(**fields), fleet, found.append)
    return found[0]["total"], [twin["id"] for twin in found[0]["twins"]]


def test_pages():
    assert listed() == (250, [f"lot-{number:03}" for number in range(100)])
    assert listed(offset=240) == (250, [f"lot-{number}" for number in range(240, 250)])
    assert listed(offset=999) == (250, [])
    assert listed(ids="lot-00*", limit=2) == (10, ["lot-000", "lot-001"])


def test_an_unknown_twin_is_not_restarted():
    with pytest.raises(Refused, match="did you mean 'garage'") as caught:
        requests.carry_out(RestartTwin(id="garaeg"), FakeFleet(), lambda _: None)
    assert (caught.value.code, caught.value.pointer) == (Code.UNKNOWN_TWIN, "/id")


def test_verbs():
    assert requests.model_of("list_twins") is ListTwins
    assert requests.model_of("restart_twin") is RestartTwin
    with pytest.raises(Refused, match="did you mean 'list_twins'"):
        requests.model_of("list_twin")
