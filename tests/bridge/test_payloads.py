from __future__ import annotations

import json

from bridge.payloads import EVENT_DATA, PUBLISHED, Result, schemas
from bridge.refusals import Code


def test_every_published_payload_has_a_schema_that_names_all_its_keys():
    for name, model in PUBLISHED.items():
        schema = schemas()[name]
        assert set(schema["required"]) == set(model.model_fields)
        assert schema["additionalProperties"] is False


def test_schemas_are_json():
    json.dumps(schemas())


def test_a_result_may_have_any_code_of_the_contract():
    for code in Code:
        fields = {"topic": "t", "request_id": None, "status": "error", "detail": None, "at": "2023-11-14T22:13:20Z"}
        Result.model_validate({**fields, "code": code, "data": None})


def test_the_contracts_events_are_known():
    assert {"connected", "authorized", "transaction_stopped", "protocol_error", "message_dropped"} <= set(EVENT_DATA)
