"""The reference of topics is complete."""

from bridge.asking import REQUESTS
from bridge.intake import EVSE, STATION
from bridge.payloads import PUBLISHED
from docs import topics


def test_every_topic_and_field_stands_in_it():
    text = topics.published() + topics.taken() + topics.requests()
    for name in EVSE:
        assert f"`<twin>/<n>/{name}`" in text
    for name in STATION:
        assert f"`<twin>/{name}`" in text
    for verb in REQUESTS:
        assert f"### `{verb}`" in text
    for model in PUBLISHED.values():
        for field in model.model_fields:
            assert f"| `{field}` |" in text
