"""The messages that the page on troubleshooting quotes are those of the program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "how-to" / "troubleshooting.md"


@cache
def sentences() -> str:
    """Return all texts of the program, what is put into them left out, and the Makefile."""
    texts = [(ROOT / "Makefile").read_text(encoding="utf-8")]
    for top in ("bridge", "config", "twin"):
        for path in (ROOT / top).rglob("*.py"):
            texts += _texts(ast.parse(path.read_text(encoding="utf-8")))
    return "\n".join(texts)


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "…".join(part.value for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def quoted() -> list[str]:
    """Return the pieces between `…` of all messages in the first columns of the page's tables of messages."""
    pieces: list[str] = []
    for table in PAGE.read_text(encoding="utf-8").split("| message |")[1:]:
        rows = [line for line in table.splitlines()[2:] if line.startswith("|")]
        for row in rows:
            for message in re.findall(r"`([^`]+)`", row.split(" | ")[0]):
                pieces += [piece.strip() for piece in message.split("…") if len(piece.strip()) > 2]
    return pieces


@pytest.mark.parametrize("piece", sorted(set(quoted())))
def test_a_quoted_message_is_one_of_the_program(piece):
    assert piece in sentences()


def test_there_are_many():
    assert len(set(quoted())) > 60
