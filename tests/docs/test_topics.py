"""The reference of topics is complete and up to date."""

from bridge.asking import REQUESTS
from bridge.intake import EVSE, STATION
from bridge.payloads import PUBLISHED
from docs import topics


def test_the_page_is_up_to_date():
    assert topics.FILE.read_text(encoding="utf-8") == topics.text(), "run: make docs"


def test_every_topic_and_field_stands_in_it():
    text = topics.text()
    for name in EVSE:
        assert f"`<twin>/<n>/{name}`" in text
    for name in STATION:
        assert f"`<twin>/{name}`" in text
    for verb in REQUESTS:
        assert f"### `{verb}`" in text
    for model in PUBLISHED.values():
        for field in model.model_fields:
            assert f"| `{field}` |" in text
