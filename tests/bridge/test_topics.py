from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.topics import CommandTopic, RequestTopic, Topics, evse_number, leftovers, parse

TOPICS = Topics("ocpp-twin", "main")
WORDS = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)


@given(
    WORDS.filter(lambda word: word not in ("bridge", "set", "cmd")),
    st.none() | st.integers(1, 9_999).map(str),
    st.sampled_from(["set", "cmd"]),
    WORDS,
)
def test_what_was_built_is_parsed_again(twin, evse, kind, name):
    topic = CommandTopic(twin, evse, kind, name)
    assert parse(str(topic)) == topic


@given(WORDS, WORDS)
def test_requests_are_parsed_again(node, verb):
    topic = RequestTopic(node, verb)
    assert parse(str(topic)) == topic
    assert topic.response == f"bridge/{node}/response/{verb}"
    assert topic.allowance == f"request/{verb}"


@pytest.mark.parametrize(
    "topic", ["", "garage", "garage/1", "garage/1/state", "garage/1/2/set/x", "bridge/main/request"]
)
def test_nothing_else_is_a_command(topic):
    assert parse(topic) is None


@pytest.mark.parametrize(
    ("topic", "name"),
    [("garage/set", ""), ("garage/1/cmd", ""), ("garage/set/a/b", "a/b"), ("garage/set/set/x", "set/x")],
)
def test_odd_names_are_left_to_the_router(topic, name):
    found = parse(topic)
    assert isinstance(found, CommandTopic)
    assert found.name == name


@pytest.mark.parametrize("text", ["0", "01", "x", "", "-1", "1.0", "10000", "١", "1\n"])
def test_these_are_no_evses(text):
    assert evse_number(text) is None


def test_these_are_evses():
    assert [evse_number(text) for text in ("1", "42", "9999")] == [1, 42, 9999]


def test_a_root_of_several_levels_is_cut_and_put_back():
    topics = Topics("/site/7/", "main")
    assert topics.absolute("garage/state") == "site/7/garage/state"
    assert topics.relative("site/7/garage/state") == "garage/state"
    assert topics.relative("site/8/garage/state") is None


def test_where_things_stand():
    assert TOPICS.part("garage", ("station", 0)) == "ocpp-twin/garage/state"
    assert TOPICS.part("garage", ("evse", 2)) == "ocpp-twin/garage/2/state"
    assert TOPICS.part("garage", ("meter", 1)) == "ocpp-twin/garage/1/meter"
    assert TOPICS.trace("garage", "sent") == "ocpp-twin/garage/ocpp/sent"
    assert TOPICS.requests == "ocpp-twin/bridge/main/request/#"


def test_the_filters_are_those_of_the_contract():
    tails = ["+/set/#", "+/+/set/#", "+/cmd/#", "+/+/cmd/#"]
    assert TOPICS.wildcards() == [f"ocpp-twin/{tail}" for tail in tails]
    assert TOPICS.own("garage") == [f"ocpp-twin/{tail.replace('+', 'garage', 1)}" for tail in tails]


def test_the_filters_of_earlier_settings_are_guessed():
    found = set(leftovers("old/root/garage/1/set/plugged"))
    assert {"old/root/+/+/set/#", "old/root/garage/+/set/#"} <= found
    assert set(Topics("old/root", "main").wildcards()) <= found
    assert list(leftovers("a/bridge/old/request/reload")) == ["a/bridge/old/request/#"] * 2
    assert list(leftovers("set/x")) == []
