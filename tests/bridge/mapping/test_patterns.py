import pytest

from bridge.mapping.patterns import Matcher, compiled, covers, filled, matches, overlap, widest


@pytest.mark.parametrize(
    ("text", "topic", "captures"),
    [
        ("shellies/{device}/emeter/{n}/power", "shellies/em-1/emeter/0/power", {"device": "em-1", "n": "0"}),
        ("tele/tasmota_{id}/SENSOR", "tele/tasmota_1A/SENSOR", {"id": "1A"}),
        ("tele/tasmota_{id}/SENSOR", "tele/sonoff/SENSOR", None),
        ("{a}-{b}/x", "left-right/x", {"a": "left", "b": "right"}),
        ("a/+/#", "a/b/c/d", {}),
    ],
)
def test_what_stands_in_holes(text, topic, captures):
    pattern = compiled(text)
    assert matches(pattern.filter, topic)
    assert pattern.captures(topic) == captures


def test_holes_become_wildcards():
    assert compiled("a/{b}/c_{d}/#").filter == "a/+/+/#"
    assert filled("{twin}/1/set/{level}", {"twin": "garage"}) == "garage/1/set/{level}"


@pytest.mark.parametrize("text", ["", "a/#/b", "a+", "a/b#", "{1}", "{a", "a}", "{a}/{a}", "a\x00b"])
def test_what_is_no_topic(text):
    with pytest.raises(ValueError, match=r"\w"):
        compiled(text)


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("a/b", {"a/b", "a/+", "+/b", "a/#", "#", "+/+"}),
        ("a", {"a/#", "#", "+"}),
        ("a/b/c", {"a/#", "#"}),
        ("$SYS/x", {"$SYS/#"}),
        ("a/", {"a/+", "a/#", "#", "+/+"}),
    ],
)
def test_a_topic_finds_all_its_filters(topic, found):
    matcher = Matcher()
    for name in ("a/b", "a/+", "+/b", "a/#", "#", "+", "+/+", "$SYS/#", "x/y"):
        matcher.add(name, name)
    assert set(matcher.match(topic)) == found
    assert len(matcher.match(topic)) == len(found)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/+", "+/b", True),
        ("a/#", "a", True),
        ("#", "x/y", True),
        ("a/b", "a/c", False),
        ("a/+", "a/b/c", False),
        ("+/events/rpc", "root/+/set/#", False),
    ],
)
def test_overlapping(one, other, expected):
    assert overlap(one, other) is overlap(other, one) is expected


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("a/+", "a/b", True),
        ("a/#", "a", True),
        ("a/#", "a/+/c", True),
        ("a/b", "a/+", False),
        ("a/+", "a/#", False),
        ("+/b", "a/+", False),
    ],
)
def test_covering(wide, narrow, expected):
    assert covers(wide, narrow) is expected


def test_a_message_is_subscribed_to_once():
    assert widest(["a/b", "a/+", "c/d", "c/d", "x/#", "x/+/y"]) == ["a/+", "x/#", "c/d"]
