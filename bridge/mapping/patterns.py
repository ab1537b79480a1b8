"""Topics with holes: MQTT filters whose levels may have names, and which of thousands a topic matches.

`+` is a level, `#` the rest, `{name}` a level or a part of one whose text is kept under that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

_T = TypeVar("_T")

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MAX_TOPIC = 65_535


@dataclass(frozen=True, slots=True)
class Pattern:
    """Be a topic with holes; `filter` is what to subscribe to, `names` are those of its holes."""

    text: str
    filter: str
    names: tuple[str, ...]
    _holes: tuple[tuple[int, re.Pattern[str]], ...]

    def captures(self, topic: str) -> dict[str, str] | None:
        """Return what stands in the holes; None if a level with text around its hole differs after all.

        The topic must match `filter`.
        """
        if not self._holes:
            return {}
        levels, found = topic.split("/"), dict[str, str]()
        for index, shape in self._holes:
            match = shape.fullmatch(levels[index])
            if match is None:
                return None
            found |= match.groupdict()
        return found


def compiled(text: str) -> Pattern:
    """Read a topic with holes. Raises ValueError with a sentence."""
    if not text or "\x00" in text or len(text.encode()) > _MAX_TOPIC:
        raise ValueError("a topic such as shellies/garage/emeter/0/power")
    names: list[str] = []
    holes: list[tuple[int, re.Pattern[str]]] = []
    levels = text.split("/")
    for index, level in enumerate(levels):
        found = _NAME.findall(level)
        if found:
            names += found
            holes.append((index, _shape(level)))
            levels[index] = "+"
        elif (level == "#" and index < len(levels) - 1) or (level not in ("+", "#") and ("+" in level or "#" in level)):
            raise ValueError("+ for one whole level, # for all that follows, {name} for a level that is used in `to`")
        elif "{" in level or "}" in level:
            raise ValueError("a name in braces, letters, digits and _ only, such as {device}")
    if len(set(names)) != len(names):
        raise ValueError("each name in braces once")
    return Pattern(text, "/".join(levels), tuple(names), tuple(holes))


def _shape(level: str) -> re.Pattern[str]:
    parts = _NAME.split(level)  # text, name, text, name, … text
    written = (f"(?P<{part}>.+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile("".join(written))


def filled(text: str, values: dict[str, str]) -> str:
    """Put values into the holes of a text; a hole without a value stays."""
    return _NAME.sub(lambda hole: values.get(hole[1], hole[0]), text)


def names_in(text: str) -> list[str]:
    """Return the names of a text's holes."""
    return _NAME.findall(text)


def overlap(one: str, other: str) -> bool:
    """Tell whether there are topics that match both filters."""
    a, b = one.split("/"), other.split("/")
    for x, y in zip(a, b, strict=False):
        if "#" in (x, y):
            return True
        if x != y and "+" not in (x, y):
            return False
    # `a/#` matches `a`, too (MQTT 5 §4.7.1.2).
    return len(a) == len(b) or max(a, b, key=len)[min(len(a), len(b))] == "#"


def covers(wide: str, narrow: str) -> bool:
    """Tell whether all topics that match `narrow` match `wide`, too."""
    a, b = wide.split("/"), narrow.split("/")
    for index, level in enumerate(a):
        if level == "#":
            return True
        if index >= len(b) or b[index] == "#" or level not in ("+", b[index]):
            return False
    return len(a) == len(b)


def widest(filters: Iterable[str]) -> list[str]:
    """Return the filters that no other one covers: a broker may deliver a message once for each that matches."""
    kept: list[str] = []
    plain: list[str] = []
    for name in dict.fromkeys(filters):
        (kept if "+" in name or "#" in name else plain).append(name)
    wide = [name for name in kept if not any(covers(other, name) for other in kept if other != name)]
    return [*wide, *(name for name in plain if not any(covers(other, name) for other in wide))]


class _Node(Generic[_T]):
    __slots__ = ("children", "here", "rest")

    def __init__(self) -> None:
        self.children: dict[str, _Node[_T]] = {}
        self.here: list[_T] = []
        self.rest: list[_T] = []


class Matcher(Generic[_T]):
    """Find all that was added for filters that a topic matches, in a time that hardly depends on how many there are."""

    def __init__(self) -> None:
        self._root: _Node[_T] = _Node()

    def add(self, name: str, item: _T) -> None:
        """Add something for a filter."""
        node, levels = self._root, name.split("/")
        for level in levels:
            if level == "#":
                node.rest.append(item)
                return
            node = node.children.setdefault(level, _Node())
        node.here.append(item)

    def match(self, topic: str) -> list[_T]:
        """Return what was added for the filters that match a topic."""
        nodes, found = [self._root], list[_T]()
        for depth, level in enumerate(topic.split("/")):
            # MQTT 5 §4.7.2: wildcards at the beginning do not match topics of the broker's own.
            wild = depth > 0 or not level.startswith("$")
            following: list[_Node[_T]] = []
            for node in nodes:
                if wild:
                    found += node.rest
                following += [
                    node.children[name] for name in ((level, "+") if wild else (level,)) if name in node.children
                ]
            nodes = following
        for node in nodes:
            found += node.here + node.rest
        return found


def matches(name: str, topic: str) -> bool:
    """Tell whether a topic matches a filter."""
    matcher: Matcher[bool] = Matcher()
    matcher.add(name, item=True)
    return bool(matcher.match(topic))
