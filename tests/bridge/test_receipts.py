from __future__ import annotations

from bridge.receipts import Receipts, delivery_key, receipt


def test_what_was_taken_is_found_with_its_data():
    receipts = Receipts(600)
    receipts.add(receipt("garage", "t", "r", 100.0, {"a": 1}))
    assert receipts.find("t", "r", 101.0) == (True, {"a": 1})
    assert receipts.find("t", "other", 101.0) == (False, None)
    assert receipts.find("other", "r", 101.0) == (False, None)


def test_after_ten_minutes_it_is_forgotten():
    receipts = Receipts(600)
    receipts.add(receipt("garage", "t", "r", 100.0))
    assert receipts.find("t", "r", 699.9)[0]
    assert not receipts.find("t", "r", 700.0)[0]


def test_stored_receipts_count_in_the_order_of_their_times():
    receipts = Receipts(600, [receipt("garage", "t", "new", 200.0), receipt("garage", "t", "old", 100.0)])
    assert not receipts.find("t", "old", 750.0)[0]
    assert receipts.find("t", "new", 750.0)[0]


def test_what_was_not_taken_after_all_is_forgotten():
    receipts = Receipts(600)
    receipts.add(receipt("garage", "t", "r", 100.0))
    receipts.forget("t", "r")
    receipts.forget("t", "r")
    assert not receipts.find("t", "r", 100.0)[0]


def test_the_data_come_later():
    receipts = Receipts(600)
    receipts.add(receipt("garage", "t", "r", 100.0))
    receipts.add(receipt("garage", "t", "r", 100.0, 7))
    assert receipts.find("t", "r", 100.0) == (True, 7)


def test_it_is_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr("bridge.receipts._MAX_BYTES", 1_000)
    receipts = Receipts(600)
    for number in range(10):
        receipts.add(receipt("garage", "t", str(number), 100.0, "x" * 400))
    assert [receipts.find("t", str(number), 100.0)[0] for number in (0, 7, 8, 9)] == [False, False, True, True]


def test_a_delivery_is_named_by_its_packet_and_text():
    assert delivery_key("t", 1, b"A") == delivery_key("t", 1, b"A")
    assert len({delivery_key("t", 1, b"A"), delivery_key("t", 2, b"A"), delivery_key("t", 1, b"B")}) == 3
    assert "#" in delivery_key("t", 1, b"A")[0]
