from __future__ import annotations

import pytest

from bridge.demo.schemas import ACTIONS, check_call, check_result
from bridge.demo.wire import Violation

START = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": "2026-01-02T03:04:05.678Z"}


def test_good_payloads_pass():
    check_call("StartTransaction", START)
    check_result("GetCompositeSchedule", {"status": "Accepted", "chargingSchedule": schedule(21.4)})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"idTag": None}, "TypeConstraintViolation"),
        ({"meterStart": "0"}, "TypeConstraintViolation"),
        ({"idTag": "X" * 21}, "PropertyConstraintViolation"),
        ({"timestamp": "yesterday"}, "PropertyConstraintViolation"),
        ({"extra": 1}, "FormationViolation"),
    ],
)
def test_a_violation_has_the_code_of_its_kind(change, code):
    with pytest.raises(Violation) as caught:
        check_call("StartTransaction", START | change)
    assert caught.value.code == code
    assert len(str(caught.value)) <= 255


def test_what_is_missing_is_a_protocol_error():
    with pytest.raises(Violation, match="idTag") as caught:
        check_call("Authorize", {})
    assert caught.value.code == "ProtocolError"


def test_a_limit_has_one_decimal():
    with pytest.raises(Violation):
        check_result("GetCompositeSchedule", {"status": "Accepted", "chargingSchedule": schedule(21.44)})


def test_every_action_has_both_schemas():
    for action in ACTIONS:
        for check in (check_call, check_result):
            with pytest.raises(Violation):
                check(action, {"noSuchField": 1})


def schedule(limit):
    return {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
