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
        ({"a": [{"password": "s3cret"}]}, {"a": [{"password": "***"}]}),
        ({"password": None}, {"password": None}),
        ("ws://u:p@h/x failed", "ws://***@h/x failed"),
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


def test_names_of_secrets():
    assert masking.is_secret("Password")
    assert not masking.is_secret("identity")
