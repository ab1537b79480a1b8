"""Every link in every Markdown file leads to a file, and every anchor to a heading."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "examples", "benchmarks", "docker", "tests", ".github")
FILES = [*sorted(ROOT.glob("*.md")), *sorted(file for name in FOLDERS for file in (ROOT / name).rglob("*.md"))]
_MARKDOWN = MarkdownIt().enable("table")


def anchors(file):
    """Return the anchors of a file's headings, as the public forges make them."""
    tokens = _MARKDOWN.parse(file.read_text(encoding="utf-8"))
    seen = Counter()
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            text = "".join(child.content for child in token.children if child.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            yield f"{slug}-{seen[slug]}" if seen[slug] else slug
            seen[slug] += 1


def links(file):
    for token in _MARKDOWN.parse(file.read_text(encoding="utf-8")):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target and not re.match(r"[a-z]+:", target):
                yield target


def broken(file):
    for target in links(file):
        path, _, anchor = unquote(target).partition("#")
        there = (file.parent / path).resolve() if path else file
        if not there.exists():
            yield f"{target}: no such file"
        elif anchor and anchor not in set(anchors(there)):
            yield f"{target}: no such heading"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_all_links_lead_somewhere(file):
    assert list(broken(file)) == []


def test_headings_become_anchors():
    text = "# `<twin>/state` and C-3\n\n## Twice\n\n## Twice\n"
    file = ROOT / "README.md"
    assert "architecture" in set(anchors(file))
    tokens = _MARKDOWN.parse(text)
    assert [token.type for token in tokens].count("heading_open") == 3
