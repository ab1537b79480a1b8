"""From what a sensor said to the payload of a command: path or template, table of words, factor.

Knows nothing about twins; whether the payload is one that a command takes is decided by `translate`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bridge.mapping.paths import MISSING, Steps, found
from bridge.mapping.templates import Template, TemplateError
from bridge.reading import pointer
from bridge.refusals import Code, Refused

_decode = msgspec.json.decode
_SHOWN = 60


@dataclass(slots=True)
class Said:
    """Be a message of a sensor; what it means as JSON is found out once for all inputs that look at it."""

    topic: str
    payload: bytes
    _text: str | None = None
    _tree: Any = field(default=None)
    _is_read: bool = False

    @property
    def text(self) -> str:
        """Return the payload as text. Raises Refused."""
        if self._text is None:
            try:
                self._text = self.payload.decode()
            except UnicodeDecodeError:
                raise Refused(Code.BAD_VALUE, "the payload is not UTF-8 text") from None
        return self._text

    @property
    def is_text(self) -> bool:
        """Tell whether the payload is text at all."""
        try:
            self.payload.decode()
        except UnicodeDecodeError:
            return False
        return True

    @property
    def tree(self) -> Any:
        """Return the payload as JSON, MISSING where it is none."""
        if not self._is_read:
            self._is_read = True
            self._tree = _json(self.payload)
        return self._tree


def _json(payload: bytes) -> Any:
    try:
        return _decode(payload)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(payload)  # NaN, as some devices write it
    except (ValueError, RecursionError):
        return MISSING


@dataclass(frozen=True, slots=True)
class Reader:
    """Say how the value is found in a message: by `template`, else by `path`, else it is the whole payload.

    `words` replaces texts, `factor` multiplies a number. `optional`: a message without the value says nothing.
    """

    template: Template | None = None
    path: Steps | None = None
    path_text: str = ""
    words: Mapping[str, str] | None = None
    factor: float | None = None
    optional: bool = False

    def read(self, said: Said, captures: Mapping[str, str]) -> str | None:
        """Return the payload of the command, None where the message says nothing. Raises Refused."""
        try:
            *_, (_, text) = self.steps(said, captures)
        except Refused:
            # What is no text at all is more than a value that is missing.
            if not self.optional or not said.is_text:
                raise
            return None
        return text

    def steps(self, said: Said, captures: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
        """Yield what is done, and the text after it; the last one is the payload. Raises Refused."""
        if self.path is not None:
            what, text = f"path {self.path_text}", self._at_path(said, self.path)
        elif self.template is not None:
            what, text = "template", self._rendered(self.template, said, captures).strip()
        else:
            what, text = "payload as it is", said.text
        if not text.strip():
            yield what, None
            return
        yield what, text
        if self.words is not None:
            text = self._worded(self.words, text)
            yield "map", text
        if self.factor is not None:
            yield f"scale by {self.factor:g}", _scaled(self.factor, text)

    def _at_path(self, said: Said, path: Steps) -> str:
        value = found(said.tree, path)
        if value is not MISSING and value is not None:
            return written(value)
        if said.tree is MISSING:
            raise Refused(Code.TEMPLATE_ERROR, f"the payload is not JSON, so there is no {self.path_text}")
        what = "is null" if value is None else "is not in the payload"
        raise Refused(Code.TEMPLATE_ERROR, f"{self.path_text} {what}", pointer(path))

    def _rendered(self, template: Template, said: Said, captures: Mapping[str, str]) -> str:
        variables: dict[str, Any] = {**captures, "topic": said.topic, "value": said.text}
        if said.tree is not MISSING:
            variables["value_json"] = said.tree
        try:
            return template.render(variables)
        except TemplateError as error:
            hint = " (the payload is not JSON)" if said.tree is MISSING and "value_json" in template.source else ""
            raise Refused(Code.TEMPLATE_ERROR, f"{error}{hint}") from None

    def _worded(self, words: Mapping[str, str], text: str) -> str:
        word = words.get(text.strip())
        if word is None:
            raise Refused(Code.BAD_VALUE, f"`map` does not name {shown(text)} (it names: {', '.join(words)})")
        return word


def _scaled(factor: float, text: str) -> str:
    try:
        return repr(float(text) * factor)
    except ValueError:
        raise Refused(Code.BAD_VALUE, f"`scale` takes a number, and this is {shown(text)}") from None


def written(value: Any) -> str:
    """Write a value from JSON as a bare payload."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return repr(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def shown(text: str) -> str:
    """Show a text, shortened."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
