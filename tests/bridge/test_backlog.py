from __future__ import annotations

from bridge.backlog import Backlog
from bridge.ports import Outgoing


def message(name: str, *, keep: bool = True, size: int = 1) -> Outgoing:
    return Outgoing(name, b"x" * size, 1, retain=False, keep=keep)


def names(backlog: Backlog) -> list[str]:
    found = []
    while (item := backlog.pop()) is not None:
        found.append(item.topic)
    return found


def test_in_order():
    backlog = Backlog(10)
    for name in "abc":
        backlog.add(message(name))
    assert len(backlog) == 3
    assert names(backlog) == ["a", "b", "c"]


def test_the_oldest_is_dropped_and_counted():
    backlog = Backlog(2)
    for name in "abc":
        backlog.add(message(name))
    assert (names(backlog), backlog.dropped) == (["b", "c"], 1)


def test_uncertain_ones_come_first_again():
    backlog = Backlog(10)
    backlog.add(message("c"))
    backlog.put_back([message("a"), message("state", keep=False), message("b")])
    assert names(backlog) == ["a", "b", "c"]


def test_it_is_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr("bridge.backlog._MAX_BYTES", 100)
    backlog = Backlog(10)
    backlog.add(message("a", size=80))
    backlog.add(message("b", size=80))
    assert (names(backlog), backlog.dropped) == (["b"], 1)
    backlog.add(message("c", size=90))
    assert names(backlog) == ["c"]
