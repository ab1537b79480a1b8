"""The diagram says neither more nor less than the table."""

import re

from docs.status_diagram import GROUP, text
from twin.model.evse import SESSION_STATUSES, TRANSITIONS
from twin.model.terms import Status


def members(name):
    return SESSION_STATUSES if name == GROUP else {Status(name)}


def test_all_transitions_are_drawn_and_no_others():
    drawn = {
        (start, end)
        for left, right in re.findall(r"(\w+) --> (\w+)", text())
        for start in members(left)
        for end in members(right)
    }
    for hub in map(Status, re.findall(r"note right of (\w+):", text())):
        others = set(Status) - {hub}
        drawn |= {(hub, other) for other in others} | {(other, hub) for other in others}
    assert drawn == {(start, end) for start, ends in TRANSITIONS.items() for end in ends}


def test_a_session_is_drawn_as_one_state():
    assert f"state {GROUP} {{" in text()
    assert text().startswith("```mermaid\nstateDiagram-v2\n")
