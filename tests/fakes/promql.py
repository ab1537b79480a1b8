"""What a PromQL expression speaks of: which series it selects, and by which labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^]]*\]")
_WORD = re.compile(r"(?<![\w.$:])([a-zA-Z_:][\w:]*)\s*(\(|\{[^}]*\})?")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_MATCHER = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan"})


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Return each metric that is selected, with the labels by which it is."""
    bare = _GROUPING.sub(" ", _RANGE.sub(" ", _TEXT.sub('""', expression)))
    for name, after in _WORD.findall(bare):
        if after != "(" and name.lower() not in _WORDS:
            yield name, set(_MATCHER.findall(after))


def groupings(expression: str) -> set[str]:
    """Return the labels by which results are grouped or joined."""
    bare = _TEXT.sub('""', expression)
    return {label.strip() for names in _GROUPING.findall(bare) for label in names.split(",") if label.strip()}
