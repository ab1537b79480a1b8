from __future__ import annotations

import jsonschema
import pytest

from bridge import intake
from bridge.payloads import schemas
from twin.model.spec import EvSpec
from twin.model.terms import Quantity


def test_a_car_becomes_the_twins():
    car = intake.Car.model_validate({"battery_kwh": 60, "soc_pct": "20", "phases": 3})
    assert car.spec() == EvSpec(battery_kwh=60.0, soc_pct=20.0, phases=3)


def test_every_quantity_is_a_level_and_a_field_of_meter():
    assert {f"set/{quantity}" for quantity in Quantity} <= set(intake.EVSE)
    assert set(intake.Readings.model_fields) == set(Quantity)


def test_readings_hold_what_was_reported():
    readings = intake.Readings.model_validate({"power_w": "0", "soc_pct": 50})
    assert readings.quantities() == {Quantity.POWER_W: 0.0, Quantity.SOC_PCT: 50.0}


def test_every_payload_that_is_taken_has_a_schema():
    assert set(intake.MODELS) <= set(schemas())
    for schema in schemas().values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("evse/set/plugged", {"value": "ON", "ev": {"max_w": 11000}, "request_id": "r", "at": 1}),
        ("evse/set/plugged", {"value": True, "ev": "zoe", "at": "2023-11-14T22:13:20Z"}),
        ("evse/cmd/stop", {}),
        ("cmd/call", {"action": "Heartbeat"}),
    ],
)
def test_the_schemas_allow_what_the_models_take(name, payload):
    intake.MODELS[name].model_validate(payload)
    jsonschema.validate(payload, schemas()[name])
