"""Finds the snippets of a Markdown page: fences and indented blocks, each with the scene that a comment above it names.

<!-- test: SCENE [word…] [name=value…] -->, straight above. Decides which scenes a language may have, and nothing about
how a snippet is run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

SHELL = ("shell", "demo", "broker", "machine")
SCENES = {
    "sh": SHELL,
    "yaml": ("config", "compose", "yaml", "home-assistant", "kubernetes", "prometheus"),
    "json": ("payload", "command", "json"),
    "text": ("output", "none"),
    "ini": ("unit",),
    "mermaid": ("generated",),
}
USUAL = {"yaml": "config", "ini": "unit", "mermaid": "generated"}
"""The scene where no comment names one."""

_COMMENT = re.compile(r"<!--\s*test:\s*(.*?)\s*-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Snippet:
    """Be one fence; `words` and `options` are what the comment says after the scene, `line` counts from 1."""

    file: Path
    line: int
    language: str
    text: str
    scene: str
    words: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Say where it stands."""
        return f"{self.file}:{self.line}"

    def wrong(self) -> str | None:
        """Say what is wrong with the way it is written, if anything."""
        if self.language not in SCENES:
            return f"{self.place}: language {self.language!r}; a fence is one of {', '.join(SCENES)}"
        if self.scene not in SCENES[self.language]:
            allowed = ", ".join(SCENES[self.language])
            return f"{self.place}: scene {self.scene!r}; `{self.language}` has {allowed}: <!-- test: SCENE -->"
        if self.scene == "none" and self.words[:1] != ("because",):
            return f"{self.place}: say why it is not tested: <!-- test: none because … -->"
        return None


def snippets(file: Path) -> list[Snippet]:
    """Return all snippets of a page, in order."""
    tokens = MarkdownIt().parse(file.read_text(encoding="utf-8"))
    return list(_found(tokens, file))


def _found(tokens: list[Token], file: Path) -> Iterator[Snippet]:
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type not in ("fence", "code_block"):
            continue
        language = token.info.split()[0] if token.info.split() else ""
        comment = _COMMENT.search(before.content) if before is not None and before.type == "html_block" else None
        said = shlex.split(comment[1]) if comment is not None else [USUAL.get(language, "")]
        line = token.map[0] + 1 if token.map else 0
        options = dict(word.split("=", 1) for word in said[1:] if re.match(r"[a-z]+=", word))
        words = tuple(word for word in said[1:] if not re.match(r"[a-z]+=", word))
        yield Snippet(file, line, language, token.content, said[0], words, options)
