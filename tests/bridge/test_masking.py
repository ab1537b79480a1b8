from __future__ import annotations

import json

import pytest

from bridge import masking


def test_a_url_loses_its_user():
    assert masking.url("ws://user:pass@host:9000/ocpp") == "ws://host:9000/ocpp"
    assert masking.url("ws://host/ocpp") == "ws://host/ocpp"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"key": "AuthorizationKey", "value": "s3cret"}, {"key": "AuthorizationKey", "value": "***"}),
        ({"key": "HeartbeatInterval", "value": "7"}, {"key": "HeartbeatInterval", "value": "7"}),
        ({"Key": "AuthorizationKey", "VALUE": "s3cret"}, {"Key": "AuthorizationKey", "VALUE": "***"}),
        ({"a": [{"password": "s3cret"}]}, {"a": [{"password": "***"}]}),
        ({"password": None}, {"password": None}),
        ({"key": "WifiPassword", "value": "s3cret"}, {"key": "WifiPassword", "value": "***"}),
        ({"clientSecret": "s3cret", "secretary": None}, {"clientSecret": "***", "secretary": None}),
        ("ws://u:p@h/x failed", "ws://***@h/x failed"),
        ("ftp://u:p@ss/w@h:21/x", "ftp://***@h:21/x"),
        ("from ftp://u:p@h to https://v:q@i", "from ftp://***@h to https://***@i"),
        ("Authorization: Basic dTpw", "Authorization: Basic ***"),
        ('password="x"', "***"),
        (7, 7),
    ],
)
def test_secrets_are_hidden(value, shown):
    assert masking.secrets(value) == shown


def test_what_is_nested_beyond_reason_is_hidden():
    value: object = "AuthorizationKey=1"
    for _ in range(100):
        value = [value]
    assert "AuthorizationKey" not in json.dumps(masking.secrets(value))
    assert "AuthorizationKey" not in json.dumps(masking.id_tags(value))


def test_id_tags_are_hidden_by_the_names_of_keys():
    value = {
        "id_tag": "A",
        "idTagInfo": {"parentIdTag": "B", "status": "Accepted"},
        "list": [{"idTag": "C"}],
        "id_": "D",
    }
    assert masking.id_tags(value) == {
        "id_tag": "***",
        "idTagInfo": {"parentIdTag": "***", "status": "Accepted"},
        "list": [{"idTag": "***"}],
        "id_": "D",
    }


def test_frames():
    call = '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"s3cret"}]'
    assert "s3cret" not in masking.frame(call, mask_id_tags=False)
    assert masking.frame('[2,"1","password', mask_id_tags=False) == "***"
    swipe = '[2,"1","Authorize",{"idTag":"04A2"}]'
    assert masking.frame(swipe, mask_id_tags=False) == swipe
    assert masking.frame(swipe, mask_id_tags=True) == '[2,"1","Authorize",{"idTag":"***"}]'
    assert "04A2" not in masking.frame('{"idTag": "04A2', mask_id_tags=True)
    within = json.dumps([2, "1", "DataTransfer", {"vendorId": "a", "data": json.dumps({"idTag": "04A2", "b": "c"})}])
    shown = json.loads(masking.frame(within, mask_id_tags=True))
    assert shown == [2, "1", "DataTransfer", {"vendorId": "a", "data": '{"idTag": "***'}]


@pytest.mark.parametrize(
    "location",
    ["ftp://garage:s3cret@files/logs", r"ftp:\/\/garage:s3cret@files\/logs", r"ftp\u003a//garage:s3cret@files"],
)
@pytest.mark.parametrize(
    "frame",
    [
        '[2,"1","GetDiagnostics",{"location":"LOCATION"}]',
        '[2,"1","UpdateFirmware",{"location":"LOCATION","retrieveDate":"2026-01-01T00:00:00Z"}]',
        '[2,"1","GetLog",{"log":{"remoteLocation":"LOCATION"},"logType":"SecurityLog","requestId":1}]',
        '[2,"1","SignedUpdateFirmware",{"requestId":1,"firmware":{"location":"LOCATION"}}]',
    ],
)
def test_passwords_in_the_addresses_of_files_are_hidden(frame, location):
    shown = masking.frame(frame.replace("LOCATION", location), mask_id_tags=False)
    assert "s3cret" not in shown
    assert json.loads(shown)[2] == json.loads(frame)[2]


def test_a_frame_without_secrets_stays_as_it_was_written():
    frame = r'[2, "1", "DataTransfer", {"vendorId": "a\u00e4b", "data": "http:\/\/host\/x"}]'
    assert masking.frame(frame, mask_id_tags=False) == frame


def test_id_tags_of_reservations_and_lists_are_hidden():
    for payload in (
        '{"reservationId":1,"idTag":"04A2","parentIdTag":"04A2","connectorId":1}',
        '{"localAuthorizationList":[{"idTag":"04A2","idTagInfo":{"parentIdTag":"04A2","status":"Accepted"}}]}',
    ):
        assert "04A2" not in masking.frame(f'[2,"1","X",{payload}]', mask_id_tags=True)
    assert masking.id_tags({"reservation_id": 1, "id_tag": "04A2", "parent_id_tag": "B", "reserved_for": "04A2"}) == {
        "reservation_id": 1,
        "id_tag": "***",
        "parent_id_tag": "***",
        "reserved_for": "***",
    }


def test_names_of_secrets():
    assert masking.is_secret("Password")
    assert masking.is_secret("key_file_password")
    assert not masking.is_secret("AuthorizationCacheEnabled")
    assert not masking.is_secret("identity")
