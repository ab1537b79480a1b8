from __future__ import annotations

import msgspec
import pytest

from bridge.payloads import PUBLISHED
from bridge.watching import shapes

MODELS = {
    shapes.Station: "state",
    shapes.Evse: "evse/state",
    shapes.Meter: "evse/meter",
    shapes.Limit: "evse/limit",
    shapes.Session: "evse/session",
    shapes.Event: "event",
    shapes.Info: "bridge/info",
    shapes.Traced: "ocpp",
    shapes.Answer: "result",
}


@pytest.mark.parametrize("shape", shapes.KINDS)
def test_every_field_is_one_of_the_contract(shape):
    ours = {field.encode_name for field in msgspec.structs.fields(shape)}
    assert ours <= set(PUBLISHED[MODELS[shape]].model_fields)


def test_missing_and_further_fields_do_not_disturb():
    assert shapes.read(shapes.Station, b'{"from":"the future","connected":true}').connected
    assert shapes.read(shapes.Event, b"{}") is None
