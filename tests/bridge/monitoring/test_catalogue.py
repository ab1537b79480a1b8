import re

import pytest

from bridge.monitoring.catalogue import KINDS, SECTIONS


def test_each_has_a_name_of_its_own():
    assert len(KINDS) == sum(len(section) for section in SECTIONS.values())


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_names_follow_the_conventions(kind):
    assert re.fullmatch(r"ocpp_twin_[a-z][a-z0-9_]*", kind.name)
    assert kind.name.endswith("_total") == (kind.type == "counter")
    assert kind.type != "histogram" or kind.name.endswith("_seconds")
    assert kind.help.endswith(".")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_labels_are_few(kind):
    assert {"twin", "evse"}.isdisjoint(kind.labels) or kind in SECTIONS["Single twins"]
