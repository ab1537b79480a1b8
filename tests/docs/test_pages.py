"""What is written by a program is up to date and complete."""

import re
from pathlib import Path

import pytest

from bridge import intake
from bridge.asking import REQUESTS
from bridge.payloads import EVENT_DATA
from docs.pages import ROOT, WHOLE, names, page, updated

README = (ROOT / "README.md").read_text(encoding="utf-8")
MQTT = (ROOT / "docs/reference/mqtt.md").read_text(encoding="utf-8")
INDEX = (ROOT / "docs/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", names())
def test_a_page_is_up_to_date(name):
    assert (ROOT / name).read_text(encoding="utf-8") == page(name), "run `make docs`"


@pytest.mark.parametrize("name", WHOLE)
def test_a_page_that_is_written_says_so(name):
    assert "ritten by `make docs`" in page(name)


def test_a_part_without_a_place_is_told():
    with pytest.raises(LookupError, match="settings"):
        updated("", {"settings": str})


@pytest.mark.parametrize("name", sorted({*map(str, [*intake.STATION, *intake.EVSE, *EVENT_DATA, *REQUESTS])}))
def test_every_command_request_and_event_is_named_where_it_is_explained(name):
    assert re.search(rf"[`/]{re.escape(name.removeprefix('set/').removeprefix('cmd/'))}\b", MQTT)


@pytest.mark.parametrize("name", sorted({*map(str, [*intake.STATION, *intake.EVSE, *REQUESTS])}))
def test_the_topic_table_of_the_readme_names_it(name):
    # Single meter values are shown by two of them.
    word = name.removeprefix("set/").removeprefix("cmd/")
    assert f"`{word}`" in README or re.search(r"_(w|wh|a|v|hz|pct|c)$", word)


@pytest.mark.parametrize("file", sorted((ROOT / "docs").rglob("*.md")), ids=lambda file: file.name)
def test_the_index_leads_to_every_page(file):
    where = Path(file).relative_to(ROOT / "docs")
    assert str(where) == "README.md" or f"]({where})" in INDEX
