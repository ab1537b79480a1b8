"""Writes `reference/modules.md`: every module with the first sentence of its docstring, package by package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from docs.import_graph import modules

_HEAD = """\
# Modules

Written by `make docs` from the modules' own first sentences. What the packages are for, and how they hang together, is
told in [Architecture](../explanation/architecture.md).
"""


def text() -> str:
    """Return the whole page."""
    return "\n".join([_HEAD, *_lines()])


def _lines() -> Iterator[str]:
    known = modules()
    packages = [name for name, path in known.items() if path.name == "__init__.py"]
    for package in packages:
        inside = [name for name in known if name not in packages and name.rpartition(".")[0] == package]
        if not inside:
            continue
        yield f"## `{package}`\n"
        if said := sentence(known[package].read_text(encoding="utf-8")):
            yield f"{said}\n"
        yield "| module | |"
        yield "| --- | --- |"
        for name in inside:
            path = known[name]
            link = f"../../{path.relative_to(path.parents[len(name.split('.')) - 1])}"
            yield f"| [`{name.rpartition('.')[2]}`]({link}) | {sentence(path.read_text(encoding='utf-8'))} |"
        yield ""


def sentence(source: str) -> str:
    """Return the first sentence of a module's docstring, on one line."""
    said = " ".join((ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].split())
    first = re.split(r"(?<=[.:]) (?=[A-Z`])", said, maxsplit=1)[0]
    return first.replace("|", "\\|").replace("<", "&lt;")
