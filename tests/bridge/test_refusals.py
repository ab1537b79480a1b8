from __future__ import annotations

from bridge.refusals import Code, Complaint, Complaints, excerpt, nearest


def complaint(topic: str = "t", payload: str = "p") -> Complaint:
    return Complaint(topic, Code.BAD_VALUE, "d", None, payload)


def test_the_nearest_name():
    assert nearest("garaeg", ["office", "garage"]) == "; did you mean 'garage'?"
    assert nearest("zzz", ["office", "garage"]) == ""
    assert nearest("", []) == ""


def test_the_codes_stand_in_the_contracts_order():
    assert list(Code)[:4] == ["unknown_twin", "unknown_evse", "unknown_command", "too_large"]
    assert list(Code)[-1] == "internal"


def test_an_excerpt_has_256_characters_whatever_the_bytes():
    assert excerpt(b"\xff" * 2_000) == "\ufffd" * 256
    assert excerpt("ä".encode() * 1_000) == "ä" * 256


def test_the_first_at_once_then_one_for_each_interval():
    complaints = Complaints(10)
    assert complaints.add(complaint(), 0.0) == complaint()
    assert complaints.is_open("t", Code.BAD_VALUE)
    assert [complaints.add(complaint(payload=str(number)), 1.0) for number in range(3)] == [None] * 3
    assert complaints.due(9.0) == []
    assert complaints.next_due() == 10.0
    assert [(item.count, item.payload) for item in complaints.due(10.0)] == [(3, "2")]
    complaints.add(complaint(), 11.0)
    assert [item.count for item in complaints.due(20.0)] == [1]


def test_after_a_quiet_interval_the_next_is_told_at_once():
    complaints = Complaints(10)
    complaints.add(complaint(), 0.0)
    assert complaints.due(10.0) == []
    assert complaints.next_due() is None
    assert complaints.add(complaint(), 10.0) is not None


def test_topics_and_codes_do_not_share():
    complaints = Complaints(10)
    complaints.add(complaint(), 0.0)
    assert complaints.add(complaint("u"), 0.0) is not None
    assert complaints.add(Complaint("t", Code.BAD_JSON, "d", None, "p"), 0.0) is not None


def test_a_flood_of_new_topics_is_counted():
    complaints = Complaints(10)
    for number in range(1_500):
        complaints.add(complaint(str(number)), 0.0)
    assert complaints.dropped == 500
