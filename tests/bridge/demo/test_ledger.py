from __future__ import annotations

import pytest

from bridge.demo.ledger import Ledger

START = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 100, "timestamp": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("tag", "info"),
    [
        ("04A2B3C4", {"status": "Accepted"}),
        ("cafe0001", {"status": "Accepted", "parentIdTag": "FAMILY"}),
        ("BLOCKED1", {"status": "Blocked"}),
        ("EXPIRED1", {"status": "Expired"}),
        ("CARD0001", {"status": "Accepted"}),
        ("card99999", {"status": "Accepted"}),
        ("CARD1", {"status": "Invalid"}),
        ("anything", {"status": "Invalid"}),
    ],
)
def test_cards(tag, info):
    assert Ledger().verdict(tag) == info


def test_ids_rise_from_one():
    ledger = Ledger()
    begun = [ledger.begin("a", START | {"connectorId": number}) for number in (1, 2, 3)]
    assert [transaction.id for transaction in begun] == [1, 2, 3]
    assert list(ledger.active) == [1, 2, 3]


def test_a_request_that_comes_again_is_the_same_transaction():
    ledger = Ledger()
    first = ledger.begin("a", START)
    assert ledger.begin("a", START) is first
    ledger.end("a", first.id)
    assert ledger.begin("a", START) is first
    assert not ledger.active
    assert ledger.begin("a", START | {"meterStart": 101}).id == 2
    assert ledger.begin("b", START).id == 3


def test_only_a_station_itself_ends_its_transaction():
    ledger = Ledger()
    begun = ledger.begin("a", START)
    assert ledger.end("b", begun.id) is None
    assert ledger.end("a", begun.id) == begun
    assert ledger.end("a", begun.id) is None
