import pytest

from bridge.mapping import paths
from bridge.mapping.templates import compiled
from bridge.mapping.values import Reader, Said
from bridge.refusals import Code, Refused


def by_path(text, **fields):
    return Reader(path=paths.compiled(text), path_text=text, **fields)


def read(reader, payload, topic="a/b", **captures):
    return reader.read(Said(topic, payload if isinstance(payload, bytes) else payload.encode()), captures)


@pytest.mark.parametrize(
    ("reader", "payload", "text"),
    [
        (Reader(), "7.5", "7.5"),
        (Reader(), "  ", None),
        (Reader(factor=1000), "7.5", "7500.0"),
        (Reader(words={"open": "OFF"}), " open ", "OFF"),
        (Reader(words={"1": "60"}, factor=2), "1", "120.0"),
        (by_path("a.b"), '{"a": {"b": 7}}', "7"),
        (by_path("a"), '{"a": true}', "true"),
        (by_path("a"), '{"a": "x"}', "x"),
        (by_path("a"), '{"a": {"b": 1}}', '{"b": 1}'),
        (by_path("a", optional=True), '{"b": 1}', None),
        (by_path("a", optional=True), '{"a": null}', None),
        (by_path("a", optional=True), "no JSON", None),
        (by_path("a"), '{"a": 1, "b": NaN}', "1"),
        (Reader(template=compiled("{{ device }} {{ topic }} {{ value }}")), "x", "em a/b x"),
        (Reader(template=compiled("  {{ value_json.a }}\n")), '{"a": 1}', "1"),
        (Reader(template=compiled("{% if value == 'x' %}PRESS{% endif %}")), "y", None),
        (Reader(template=compiled("{{ value_json.b }}"), optional=True), '{"a": 1}', None),
        (Reader(words={"a": "ON"}, optional=True), "b", None),
    ],
)
def test_what_is_read(reader, payload, text):
    assert read(reader, payload, device="em") == text


@pytest.mark.parametrize(
    ("reader", "payload", "code", "said", "pointer"),
    [
        (by_path("a.b"), '{"a": {}}', Code.TEMPLATE_ERROR, "a.b is not in the payload", "/a/b"),
        (by_path("a"), '{"a": null}', Code.TEMPLATE_ERROR, "a is null", "/a"),
        (by_path("a"), "7", Code.TEMPLATE_ERROR, "a is not in the payload", "/a"),
        (by_path("a"), "x", Code.TEMPLATE_ERROR, "the payload is not JSON, so there is no a", None),
        (Reader(template=compiled("{{ value_json.a }}")), "x", Code.TEMPLATE_ERROR, "(the payload is not JSON)", None),
        (Reader(words={"a": "ON"}), "b", Code.BAD_VALUE, "`map` does not name 'b' (it names: a)", None),
        (Reader(factor=2), "b", Code.BAD_VALUE, "`scale` takes a number, and this is 'b'", None),
        (Reader(), b"\xff", Code.BAD_VALUE, "not UTF-8", None),
        (Reader(optional=True), b"\xff", Code.BAD_VALUE, "not UTF-8", None),
        (by_path("a", optional=True), b"\xff", Code.TEMPLATE_ERROR, "not JSON", None),
    ],
)
def test_what_cannot_be_read(reader, payload, code, said, pointer):
    with pytest.raises(Refused) as caught:
        read(reader, payload, device="em")
    assert (caught.value.code, caught.value.pointer) == (code, pointer)
    assert said in caught.value.detail
