import resource

import pytest

from bridge.descriptors import TooFewFiles, make_room_for


@pytest.fixture
def limits(monkeypatch):
    """The system's limits, soft and hard, instead of those of the tests."""
    state = {"now": (100, 200)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: state["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: state.update(now=pair))
    return state


def test_where_there_is_room_nothing_changes(limits):
    make_room_for(30)
    assert limits["now"] == (100, 200)


def test_the_limit_is_raised_as_far_as_needed(limits):
    make_room_for(100)
    assert limits["now"] == (164, 200)


def test_a_hard_limit_is_told_in_a_sentence(limits):
    with pytest.raises(TooFewFiles, match="500 twins need 564 open files, but this process may have 200: raise the"):
        make_room_for(500)


def test_no_limit_is_enough(limits):
    limits["now"] = (100, resource.RLIM_INFINITY)
    make_room_for(5000)
    assert limits["now"] == (5064, resource.RLIM_INFINITY)
    limits["now"] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    make_room_for(50_000)
    assert limits["now"] == (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
