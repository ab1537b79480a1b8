"""The schemas that are delivered are the ones that the code makes: `ocpp-twin print-schemas --dir config/schemas`."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from bridge.cli import documents, written

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "config" / "schemas"


@pytest.mark.parametrize("name", ["asyncapi", "config", "payloads"])
def test_a_schema_is_up_to_date(name):
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == written(documents()[name])


def test_no_other_file_lies_there():
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(documents())


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_fit_the_schema_of_the_configuration(path):
    validator = Draft202012Validator(json.loads((FOLDER / "config.json").read_text()))
    assert list(validator.iter_errors(yaml.safe_load(path.read_text()))) == []


def test_the_schema_of_the_configuration_refuses_what_is_unknown():
    validator = Draft202012Validator(json.loads((FOLDER / "config.json").read_text()))
    assert not validator.is_valid({"nod": "x"})
    assert not validator.is_valid({"twins": [{"id": "a", "evses": "many"}]})


def test_every_schema_is_one():
    Draft202012Validator.check_schema(documents()["config"])
    for schema in documents()["payloads"].values():
        Draft202012Validator.check_schema(schema)
