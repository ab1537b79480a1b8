import pytest

from twin.ocpp.v16 import extras
from twin.ocpp.v16.messages import core, profiles, security

INFO = {"status": "Accepted", "parentIdTag": "P"}


@pytest.mark.parametrize(
    ("expected", "payload", "left"),
    [
        (core.HeartbeatConf, {"currentTime": "now", "x": 1}, {"currentTime": "now"}),
        (core.StartTransactionConf, {"idTagInfo": INFO | {"x": 1}, "transaction_id": 1}, {"idTagInfo": INFO}),
        (
            profiles.SendLocalList,
            {"localAuthorizationList": [{"idTag": "A", "x": {}}, {"idTagInfo": INFO | {"y": []}}, 7]},
            {"localAuthorizationList": [{"idTag": "A"}, {"idTagInfo": INFO}, 7]},
        ),
        (security.GetLog, {"log": {"remoteLocation": "x", "remotelocation": "y"}}, {"log": {"remoteLocation": "x"}}),
        (core.ClearCache, {"any": {"thing": [1]}}, {}),
        (core.GetConfiguration, {"key": None}, {}),
        (core.AuthorizeConf, {"idTagInfo": {"status": None, "parentIdTag": None}}, {"idTagInfo": {"status": None}}),
    ],
)
def test_members_that_ocpp_does_not_have_are_left_out(expected, payload, left):
    assert extras.without(payload, expected) == left


@pytest.mark.parametrize("payload", [{"idTagInfo": None}, {"idTagInfo": []}, {"idTagInfo": "x"}, {}])
def test_what_else_is_wrong_stays(payload):
    assert extras.without(payload, core.AuthorizeConf) == payload
