from __future__ import annotations

import pytest

from bridge.demo.answers import answer
from bridge.demo.ledger import Ledger
from bridge.demo.schemas import check_call, check_result
from bridge.demo.wire import Violation

TIME = "2026-01-02T03:04:05Z"
REQUESTS = {
    "Authorize": {"idTag": "04A2B3C4"},
    "BootNotification": {"chargePointVendor": "Acme", "chargePointModel": "Wall"},
    "DataTransfer": {"vendorId": "acme"},
    "DiagnosticsStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Idle"},
    "MeterValues": {"connectorId": 1, "meterValue": [{"timestamp": TIME, "sampledValue": [{"value": "1"}]}]},
    "SecurityEventNotification": {"type": "SettingSystemTime", "timestamp": TIME},
    "SignCertificate": {"csr": "…"},
    "SignedFirmwareStatusNotification": {"status": "Idle"},
    "StartTransaction": {"connectorId": 1, "idTag": "BLOCKED1", "meterStart": 0, "timestamp": TIME},
    "StatusNotification": {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    "StopTransaction": {"transactionId": 99, "meterStop": 1, "timestamp": TIME, "idTag": "CAFE0001"},
}


@pytest.mark.parametrize(("action", "request_"), REQUESTS.items())
def test_everything_that_a_station_may_send_is_answered_by_the_schema(action, request_):
    check_call(action, request_)
    check_result(action, answer(Ledger(), "a", action, request_))


def test_a_transaction_for_a_blocked_card_has_an_id_and_the_verdict():
    found = answer(Ledger(), "a", "StartTransaction", REQUESTS["StartTransaction"])
    assert found == {"transactionId": 1, "idTagInfo": {"status": "Blocked"}}


@pytest.mark.parametrize(("action", "code"), [("Reset", "NotSupported"), ("reset", "NotImplemented")])
def test_what_stations_do_not_send_is_refused(action, code):
    with pytest.raises(Violation) as caught:
        answer(Ledger(), "a", action, {})
    assert caught.value.code == code
