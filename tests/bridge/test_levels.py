from __future__ import annotations

from bridge.levels import Levels

TOPIC = "garage/1/set/plugged"


def test_retained_levels_at_the_start_count():
    levels = Levels()
    levels.replay_begins()
    assert levels.is_replay(TOPIC, retain=True, as_published=True)
    assert not levels.superseded(TOPIC, None)


def test_a_replay_is_superseded_by_a_live_message():
    levels = Levels()
    levels.replay_begins()
    levels.taken(TOPIC, 10.0, live=False)
    levels.taken(TOPIC, 20.0, live=True)
    levels.replay_ends()
    levels.replay_begins()
    assert levels.is_replay(TOPIC, retain=True, as_published=True)
    assert levels.superseded(TOPIC, None)
    assert not levels.is_replay(TOPIC, retain=True, as_published=True), "the second one with the flag is live"


def test_a_replayed_value_that_was_measured_later_counts():
    levels = Levels()
    levels.taken(TOPIC, 20.0, live=True)
    levels.replay_begins()
    assert not levels.superseded(TOPIC, 21.0)
    assert levels.superseded(TOPIC, 20.0)


def test_what_was_only_replayed_counts_again():
    levels = Levels()
    levels.replay_begins()
    levels.taken(TOPIC, 10.0, live=False)
    levels.replay_begins()
    assert levels.is_replay(TOPIC, retain=True, as_published=True)
    assert not levels.superseded(TOPIC, None)


def test_outside_a_replay_the_flag_is_the_senders():
    levels = Levels()
    levels.replay_begins()
    levels.replay_ends()
    assert not levels.is_replay(TOPIC, retain=True, as_published=True)
    assert levels.is_replay(TOPIC, retain=True, as_published=False), "3.1.1: only the broker sets it"
    assert not levels.is_replay(TOPIC, retain=False, as_published=False)


def test_older_values_are_stale():
    levels = Levels()
    assert not levels.is_stale(TOPIC, 5.0)
    levels.taken(TOPIC, 10.0, live=True)
    assert levels.is_stale(TOPIC, 9.9)
    assert not levels.is_stale(TOPIC, 10.0)
    levels.taken(TOPIC, 9.0, live=False)
    assert levels.is_stale(TOPIC, 9.5), "the newest value taken counts"


def test_a_value_that_ages_counts_once_of_those_that_were_retained():
    levels = Levels()
    levels.replay_begins()
    assert not levels.superseded(TOPIC, None, ages=True)
    levels.taken(TOPIC, 10.0, live=False)
    levels.replay_begins()
    assert levels.superseded(TOPIC, None, ages=True)
    assert not levels.superseded(TOPIC, 20.0, ages=True)
