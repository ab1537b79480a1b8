"""The short way into JSON: `emeters[0].power`, `params["em:0"].total_act_power`."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

Steps: TypeAlias = tuple[str | int, ...]

MISSING: Any = object()
"""What is found where nothing is."""

_STEP = re.compile(
    r"""(?P<dot>\.)?(?P<name>[^.\[\]"']+)|\[(?P<index>\d{1,6})\]|\[(?P<quote>["'])(?P<key>.*?)(?P=quote)\]"""
)

ALLOWED = 'a path such as power, emeters[0].power or params["em:0"].act_power'


def compiled(text: str) -> Steps:
    """Read a path. Raises ValueError with what is allowed."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (match["name"] is not None and (match["dot"] is None) == bool(steps)):
            raise ValueError(ALLOWED)
        if match["name"] is not None:
            steps.append(match["name"])
        else:
            steps.append(int(match["index"]) if match["index"] is not None else match["key"])
        at = match.end()
    if not steps:
        raise ValueError(ALLOWED)
    return tuple(steps)


def found(tree: Any, steps: Steps) -> Any:
    """Return what a path leads to, or MISSING."""
    for step in steps:
        if isinstance(step, int) and isinstance(tree, list):
            if step >= len(tree):
                return MISSING
            tree = tree[step]
        elif isinstance(tree, dict):
            tree = tree.get(str(step), MISSING)
            if tree is MISSING:
                return MISSING
        else:
            return MISSING
    return tree
