"""Writes `ocpp16-conformance.md`: every demand of OCPP 1.6-J on a charge point, its tests, and how it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from docs.requirements import DOES_NOT_APPLY, Group, NamedTest, Requirement, evidence, groups, status, white_paper

_HEAD = """\
# OCPP 1.6-J, demand by demand

Written by `make docs`, from [requirements.yaml](../requirements.yaml) and from the names of the tests: a test belongs
to the demands that its name begins with, as `test_b_06_…` to B-06. A demand of level MUST or SHOULD, and every
configuration key, has a test, or a reason why it does not apply; another test sees to that.

- Level: MUST, SHOULD or MAY; configuration keys (K): MUST where OCPP requires the key.
- ⚠ needs special care. ◇ the documents leave it open, and this is how it is read here; within a text for what follows.
- Source: a section of OCPP 1.6 edition 2; E: its errata sheet 4.0; J: OCPP-J 1.6; JE: its errata sheet; W and ids
  such as A05.FR.01: the security white paper, edition 2; 2.x: OCPP 2.0.1 part 4.
"""


def text() -> str:
    """Return the whole file."""
    known, found = groups(), evidence()
    tables = (line for group in known for line in _table(group, found))
    return "\n".join([_HEAD, *_summary(known, found), *tables, *_white_paper(known, found)])


def _summary(known: Sequence[Group], found: Mapping[str, Sequence[NamedTest]]) -> Iterator[str]:
    counts = Counter(status(item, found.get(item.id, ())) for group in known for item in group.requirements)
    yield "| status | demands |"
    yield "| --- | --- |"
    yield from (f"| {word} | {count} |" for word, count in sorted(counts.items(), key=lambda item: -item[1]))
    yield ""


def _table(group: Group, found: Mapping[str, Sequence[NamedTest]]) -> Iterator[str]:
    yield f"## {group.title}"
    yield ""
    yield "| id | level | demand | source | status | tests |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for item in group.requirements:
        yield _row(item, found.get(item.id, ()))
    yield ""


def _white_paper(known: Sequence[Group], found: Mapping[str, Sequence[NamedTest]]) -> Iterator[str]:
    yield "## Numbered requirements of the security white paper"
    yield ""
    yield "| requirement | demands here |"
    yield "| --- | --- |"
    for number, items in white_paper(known).items():
        yield f"| {number} | {', '.join(f'{item.id} ({status(item, found.get(item.id, ()))})' for item in items)} |"
    yield ""


def _row(item: Requirement, found: Sequence[NamedTest]) -> str:
    word = status(item, found)
    reason = DOES_NOT_APPLY.get(item.id, "")
    said = f"{word}: {reason}" if word == "does not apply" else word
    level = f"{item.level} {item.marks}".rstrip()
    links = "<br>".join(f"[{test.name}](../../{test.file})" for test in found)
    demand = item.text.replace("|", "\\|")
    return f"| {item.id} | {level} | {demand} | {item.source} | {said} | {links} |"
