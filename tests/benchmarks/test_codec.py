import json

import pytest

from benchmarks import codec


@pytest.mark.parametrize(("text", "expected"), codec.texts())
def test_what_is_read_is_valid(text, expected):
    codec.read_ours([(text, expected)])


def test_what_is_compared_is_the_same_text():
    import msgspec

    for message, payload in codec.SAID:
        assert json.loads(msgspec.json.encode(msgspec.convert(payload, message))) == payload
