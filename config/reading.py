"""Reads one file of YAML, and says of what is none where the mistake is, what stands there, and what was meant.

Knows how YAML goes wrong in people's hands; knows no setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from config.problems import ConfigError, Problem, masked, shown
from config.problems import Path as SettingPath

Tree: TypeAlias = dict[str, Any]

FREE_NAMES = ("templates", "twins")
"""Sections in which an empty value is not the same as none."""

_NO_KEY = "allowed: a text; a number or a word such as on needs quotes to be one"
_MOST_SHOWN = 80
_SECRET_LINE = re.compile(r"password|secret|token|authorizationkey", re.IGNORECASE)
_NO_SPACE = re.compile(r"^\s*(- )?[A-Za-z_]\w*:[^\s/]")
_NO_COLON = re.compile(r"^\s*(- )?[A-Za-z_]\w*(\s+\S+)?\s*$")
_NO_QUOTES = re.compile(r""":\s+(?!["'|>\[{])\S.*:(\s|$)""")


class _Loader(yaml.SafeLoader):
    """Read YAML, but refuse a key that stands twice in a mapping: one of the two would be lost in silence."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else "")
        return node


def read(path: Path) -> Tree:
    """Return what stands in a file. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {_why(error)}") from None
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"is not text in UTF-8 (byte {error.start}): save it with this encoding") from None
    try:
        return _tree(path, yaml.load(text, _Loader))  # noqa: S506 - a SafeLoader
    except RecursionError:
        raise _unreadable(path, "is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _unreadable(path, f"is not YAML: {_yaml_text(error, text.splitlines())}") from None


def _why(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "no such file or directory"
        case IsADirectoryError():
            return "is a directory; name the file in it"
        case PermissionError():
            return "permission denied; let the user who runs this read it"
        case _:
            return (error.strerror or str(error)).lower()


def _tree(path: Path, found: Any) -> Tree:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _unreadable(path, f"found {shown((), found)}; allowed: settings such as node: main{_no_mapping(found)}")
    wrong = [Problem(str(path), at, f"found the key {shown((), key)}; {_NO_KEY}") for at, key in _odd_keys(found)]
    if wrong:
        raise ConfigError(wrong)
    return _without_blanks(found)


def _no_mapping(found: Any) -> str:
    if isinstance(found, str) and ":" in found:
        return "; a colon needs a space after it"
    return "; a setting needs a colon after its name" if isinstance(found, str) else ""


def _odd_keys(found: Any, path: SettingPath = ()) -> Iterator[tuple[SettingPath, Any]]:
    if isinstance(found, dict):
        yield from ((path, key) for key in found if not isinstance(key, str))
        for key, value in found.items():
            yield from _odd_keys(value, (*path, str(key)))
    elif isinstance(found, list):
        for index, value in enumerate(found):
            yield from _odd_keys(value, (*path, index))


def _without_blanks(tree: Mapping[str, Any]) -> Tree:
    return {
        name: _without_blanks(value) if isinstance(value, dict) and name not in FREE_NAMES else value
        for name, value in tree.items()
        if value is not None
    }


def _unreadable(path: Path, text: str) -> ConfigError:
    return ConfigError([Problem(str(path), (), text)])


# --- What people meant ------------------------------------------------------------------------------------------------


def _yaml_text(error: Exception, lines: list[str]) -> str:
    mark = getattr(error, "problem_mark", None)
    text = getattr(error, "problem", None) or str(error).splitlines()[0]
    if mark is None:
        return text
    here = lines[mark.line] if mark.line < len(lines) else ""
    before = next((line for line in reversed(lines[: mark.line]) if line.strip()), "")
    hint = _hint(text, here, before, mark.column)
    return f"line {mark.line + 1}, column {mark.column + 1}: {text}{_cited(here)}{f': {hint}' if hint else ''}"


def _cited(line: str) -> str:
    line = line.strip()
    if not line or _SECRET_LINE.search(line):
        return ""
    line = str(masked(line))
    return f" in `{line if len(line) <= _MOST_SHOWN else line[:_MOST_SHOWN] + '…'}`"


def _hint(text: str, here: str, before: str, column: int) -> str | None:
    """Guess what was meant from what PyYAML says, the line, and the one before it."""
    if "\t" in here[: column + 1] and not here[:column].strip():
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in text:
        return _no_mapping_here(here, before, column)
    if "could not determine a constructor" in text:
        return "tags such as !secret and !include are not known here; a secret goes into a file (…_file)"
    if "unhashable" in text or "expected alphabetic or numeric" in text or "cannot start any token" in text:
        return "put quotes around a text that begins with one of { } [ ] * & ! % @ or `"
    if "escape character" in text:
        return "write single quotes, in which a backslash is nothing special"
    if "expected <block end>" in text:
        return "it is not indented like the lines that it belongs to"
    if "another document" in text:
        return "a file holds one document: remove the line ---"
    if "end of stream" in text or "stream end" in text:
        return "a quote, a brace or a bracket was opened before and is not closed"
    return None


def _no_mapping_here(here: str, before: str, column: int) -> str:
    if _NO_COLON.match(before) and not before.lstrip().startswith("#"):
        return "the line before lacks a colon"
    if _NO_SPACE.match(before):
        return "in the line before, the colon needs a space after it"
    if _NO_QUOTES.search(here[: column + 2]):
        return "put quotes around a text with a colon and a space in it"
    return "it is not indented like the line before"
