from __future__ import annotations

import jsonschema
import pytest

from bridge.asking import REQUESTS
from bridge.payloads import schemas


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("list_twins", {"limit": 5}),
        ("add_twin", {"twin": {"id": "shed"}, "request_id": "r"}),
        ("remove_twin", {"id": "shed", "forget": True}),
        ("restart_twin", {"id": "shed"}),
        ("set_many", {"ids": "lot-*", "evse": 1, "level": "plugged", "value": True, "ev": "zoe"}),
        ("cmd_many", {"ids": ["a", "b"], "command": "reset"}),
        ("reload", {}),
        ("set_clock_rate", {"rate": 60}),
        ("trace", {"ids": "lot-*", "for_s": 0}),
    ],
)
def test_the_schemas_allow_what_the_models_take(verb, fields):
    REQUESTS[verb].model_validate(fields)
    jsonschema.validate(fields, schemas()[f"bridge/request/{verb}"])


def test_each_verb_is_tried():
    assert len(REQUESTS) == 9
