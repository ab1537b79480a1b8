from __future__ import annotations

import math

import pytest

from bridge.profiles import Output, output


def test_home_is_what_there_is_without_a_profile():
    assert output("home") == Output()
    assert Output().shown == ("evse", "limit", "meter", "session")


def test_quiet_shows_neither_meters_nor_limits():
    quiet = output("quiet")
    assert quiet.shown == ("evse", "session")
    assert quiet.hidden == {"limit", "meter"}
    assert quiet.session_interval_s == math.inf


@pytest.mark.parametrize("profile", ["home", "fleet", "quiet"])
def test_what_is_set_wins(profile):
    found = output(profile, meter_interval_s=5.0, session_interval_s=7.0)
    assert (found.profile, found.meter_interval_s, found.session_interval_s) == (profile, 5.0, 7.0)
    assert "meter" in found.shown


@pytest.mark.parametrize(
    ("event", "request_id", "is_told"),
    [
        ("plugged", None, False),
        ("plugged", "traffic-7", False),
        ("plugged", "mine", True),
        ("transaction_stopped", None, True),
        ("fault", "traffic-7", True),
    ],
)
def test_quiet_tells_what_somebody_must_know_or_waits_for(event, request_id, is_told):
    assert output("quiet").tells(event, request_id) is is_told
    assert output("fleet").tells(event, request_id)
