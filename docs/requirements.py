"""What OCPP 1.6-J asks of a charge point, and which tests say that it is so.

The demands lie in `requirements.yaml`. A test belongs to those that its name begins with: `test_b_06_…`, several as in
`test_c_08_c_10_…`, neighbours as in `test_a_15_to_17_…`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent

DOES_NOT_APPLY: Mapping[str, str] = {
    "B-15": "a box has the clock of its machine, hence always a time",
}
"""Demands on something that a box here does not have, with the reason."""

_PREFIX = re.compile(r"test((?:_(?:[a-z]{1,3}_\d\d|to(?:_[a-z]{1,3})?_\d\d))+)(?:_|$)")
_NUMBERED = re.compile(r"(?:([A-Z]\d\d\.FR\.)|(?<=, )\.)(\d+)(?:–(\d+))?")
_PART = re.compile(r"_(to_)?(?:([a-z]{1,3})_)?(\d\d)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """Be one demand; `marks` may hold ⚠ (needs care) and ◇ (a reading where the documents are silent)."""

    id: str
    level: str
    text: str
    source: str
    marks: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Hold the demands of one subject."""

    title: str
    requirements: Sequence[Requirement]


@dataclass(frozen=True, slots=True)
class NamedTest:
    """Name a test; `file` is relative to the repository."""

    file: str
    name: str


def groups() -> list[Group]:
    """Return all demands."""
    found = yaml.safe_load((Path(__file__).parent / "requirements.yaml").read_text(encoding="utf-8"))
    return [
        Group(group["title"], [Requirement(id=name, **fields) for name, fields in group["items"].items()])
        for group in found.values()
    ]


def white_paper(known: Sequence[Group]) -> dict[str, list[Requirement]]:
    """Return the demands that stand for each numbered requirement of the security white paper, by its number."""
    found: dict[str, list[Requirement]] = {}
    for item in (item for group in known for item in group.requirements):
        case = ""
        for name, first, last in _NUMBERED.findall(item.source):
            case = name or case
            for number in range(int(first), int(last or first) + 1) if case else ():
                found.setdefault(f"{case}{number:0{len(first)}}", []).append(item)
    return dict(sorted(found.items()))


def ids_in(name: str) -> Iterator[str]:
    """Yield the ids that the name of a test begins with."""
    found = _PREFIX.match(name)
    if found is None:
        return
    letters, last = "", 0
    for until, word, digits in _PART.findall(found[1]):
        letters = word or letters
        number = int(digits)
        first = last + 1 if until else number
        yield from (f"{letters.upper()}-{n:02}" for n in range(first, number + 1))
        last = number


def evidence(folder: Path = ROOT / "tests") -> dict[str, list[NamedTest]]:
    """Return the tests of each demand by its id, in the order of their files."""
    found: dict[str, list[NamedTest]] = {}
    for file in sorted(folder.rglob("test_*.py")):
        for name in _names(ast.parse(file.read_text(encoding="utf-8"))):
            for requirement in dict.fromkeys(ids_in(name)):
                found.setdefault(requirement, []).append(NamedTest(str(file.relative_to(folder.parent)), name))
    return found


def _names(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def status(requirement: Requirement, found: Sequence[NamedTest]) -> str:
    """Say how it stands with a demand: `tested`, `not offered` for an option, `does not apply`, or `missing`."""
    if found:
        return "tested"
    if requirement.id in DOES_NOT_APPLY:
        return "does not apply"
    return "not offered" if requirement.level == "MAY" else "missing"
