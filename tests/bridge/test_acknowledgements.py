from __future__ import annotations

from bridge.acknowledgements import Acknowledgements


def test_acknowledgements_keep_the_order_of_the_messages():
    sent: list[str] = []
    waiting = Acknowledgements()
    first, second, third = [waiting.expect(lambda name=name: sent.append(name)) for name in "abc"]  # type: ignore[misc]
    second()
    third()
    assert sent == []
    first()
    assert sent == ["a", "b", "c"]


def test_a_second_acknowledgement_does_nothing():
    sent: list[str] = []
    waiting = Acknowledgements()
    acknowledge = waiting.expect(lambda: sent.append("a"))
    acknowledge()
    acknowledge()
    assert sent == ["a"]
