"""The README says what the code does."""

import re
from pathlib import Path

import pytest

from bridge import intake
from bridge.payloads import EVENT_DATA
from bridge.refusals import Code
from docs.readme import README, updated

TEXT = README.read_text(encoding="utf-8")
NAMES = [*intake.STATION, *intake.EVSE, *EVENT_DATA, *Code]


def test_the_written_parts_are_up_to_date():
    assert updated(TEXT) == TEXT, "run `make docs`"


def test_a_part_without_a_place_is_told():
    with pytest.raises(LookupError, match="settings"):
        updated("")


@pytest.mark.parametrize("name", sorted({*map(str, NAMES)}))
def test_every_command_event_and_code_is_named(name):
    # Meter values share a row: `set/power_w`, `energy_wh`, …
    assert re.search(rf"[`/]{re.escape(name.removeprefix('set/').removeprefix('cmd/'))}\b", TEXT)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXT))))
def test_a_link_leads_to_a_file(target):
    assert (Path(README).parent / target).exists()
