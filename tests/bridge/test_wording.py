import pytest

from bridge.wording import sentence


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("plugged", {"ev": "vw-id3"}, "cable plugged in, car vw-id3"),
        (
            "status_changed",
            {"status": "Faulted", "previous": "Charging", "error_code": "GroundFailure"},
            "Charging → Faulted (GroundFailure)",
        ),
        (
            "transaction_stopped",
            {"transaction_id": 7, "reason": "Local", "energy_wh": 1500},
            "transaction 7 ends: Local, 1.500 kWh",
        ),
        ("fault", {"id": "a", "error_code": "OtherError", "info": "wet"}, "fault: OtherError, wet, a"),
        ("remote_start", {"id_tag": "A", "status": "Accepted", "evse": None}, "remote start id_tag A, status Accepted"),
        ("of_a_later_version", {"on": True, "list": [1]}, "of a later version on on, list [1]"),
    ],
)
def test_an_event_is_told_in_words(kind, data, words):
    assert sentence(kind, data) == words


@pytest.mark.parametrize("kind", ["connected", "authorized", "reservation_made", "profile_set", "security_event"])
def test_missing_fields_do_not_matter(kind):
    assert sentence(kind, {})
