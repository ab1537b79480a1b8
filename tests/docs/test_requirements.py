"""Every demand is tested, an option that is not offered, or one that does not apply; and the table says so."""

import pytest

from docs import conformance
from docs.requirements import DOES_NOT_APPLY, evidence, groups, ids_in, status, white_paper

KNOWN = {item.id: item for group in groups() for item in group.requirements}
TESTS = evidence()


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("test_b_06_statuses_first", ["B-06"]),
        ("test_c_08_c_10_keys", ["C-08", "C-10"]),
        ("test_sec_08_jammed", ["SEC-08"]),
        ("test_a_15_to_17_offline_rules", ["A-15", "A-16", "A-17"]),
        ("test_rv_05_to_rv_06_x_10", ["RV-05", "RV-06", "X-10"]),
        ("test_t_13", ["T-13"]),
        ("test_v_15_on_all_phases_and_v_14_numbers", ["V-15"]),
        ("test_an_id_of_36_characters", []),
        ("test_a_day_of_24_hours", []),
    ],
)
def test_the_ids_in_a_name(name, ids):
    assert list(ids_in(name)) == ids


def test_numbered_requirements_of_the_white_paper_lead_to_demands():
    found = {number: [item.id for item in items] for number, items in white_paper(groups()).items()}
    assert found["A05.FR.01"] == ["SEC-10"]
    assert found["A02.FR.07"] == ["SEC-15"]
    assert found["A00.FR.203"] == ["SEC-03"]
    assert found["L01.FR.27"] == ["SEC-37"]


@pytest.mark.parametrize("name", sorted(TESTS))
def test_a_test_names_a_demand_that_there_is(name):
    assert name in KNOWN, [f"{test.file}::{test.name}" for test in TESTS[name]]


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_demand_is_met(name):
    found = TESTS.get(name, ())
    assert status(KNOWN[name], found) != "missing"
    assert found or not name.startswith("K-"), "every configuration key has a test"


@pytest.mark.parametrize("name", sorted(DOES_NOT_APPLY))
def test_what_does_not_apply_has_no_test_and_a_reason(name):
    assert name in KNOWN
    assert name not in TESTS
    assert DOES_NOT_APPLY[name]


def test_the_table_has_a_row_for_each():
    text = conformance.text()
    assert all(text.count(f"\n| {name} | ") == 1 for name in KNOWN)
