"""What is wrong with a configuration, said so that it can be mended: where, what was found, what is allowed.

Knows pydantic's errors and the layers that settings come from; knows no setting by name.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from config.places import example_at, known_at, meant_by, places_of

Path: TypeAlias = tuple[str | int, ...]

_SECRET = re.compile(r"password|authorizationkey|secret|token", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^/@:\s]*:)[^/@\s]*@")
_ALLOWED = {
    "missing": "this setting is required",
    "string_type": "a text; a number or a word such as yes needs quotes to be one",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of settings to values",
    "model_attributes_type": "a mapping of settings to values",
}
_PLAIN = {
    "String should have ": "",
    "less than or equal to": "at most",
    "greater than or equal to": "at least",
    "valid string": "text",
}
_SURE = 0.8
_MANY = 20
_TYPOGRAPHIC = "\u201c\u201d\u201e\u2018\u2019"
_NAME_AND_COLON = re.compile(r"\w+:(?!//)\S")
_NAME_AND_VALUE = re.compile(r"\w+\s+\S+$")


@dataclass(frozen=True, slots=True)
class Problem:
    """Say where a setting stands (`source`, `path`) and what is wrong with it, in one line."""

    source: str
    path: Path
    text: str

    def __str__(self) -> str:
        where = written(self.path)
        return f"{self.source}: {where}: {self.text}" if where else f"{self.source}: {self.text}"


class ConfigError(Exception):
    """Carry all problems of a configuration; its text has one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def written(path: Path) -> str:
    """Write a path as it would be spoken of: `twins[3].evses`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def shown(path: Path, found: Any) -> str:
    """Show a value that was found, shortened, secrets masked."""
    if any(isinstance(step, str) and _SECRET.search(step) and not step.endswith("_file") for step in path):
        return "***"
    text = json.dumps(masked(found), ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "…"


def masked(value: Any) -> Any:
    """Replace the secrets of a piece of configuration by stars."""
    if isinstance(value, Mapping):
        return {key: "***" if _is_secret(key) else masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return _URL_PASSWORD.sub(r"\1***@", value) if isinstance(value, str) else value


def nearest(word: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """Find the known word that was probably meant; `cutoff` says how alike they have to be, from 0 to 1."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[close[0]] if close else meant_by(word, list(by_lower.values()))


def unknown_text(word: str, known: Sequence[str]) -> str:
    """Say that a name is unknown, and which one was probably meant."""
    near = meant_by(word, known) or nearest(word, known)
    if near and len(known) > _MANY:
        return f'unknown; did you mean "{near}"?'
    hint = f'did you mean "{near}"? ' if near else ""
    return f"unknown; {hint}Known here: {', '.join(sorted(known))}"


def explain(error: ValidationError, model: type[BaseModel], standard: Collection[str] = ()) -> list[tuple[Path, str]]:
    """Turn pydantic's errors into pairs of path and sentence; `standard` are OCPP's keys, in lower case."""
    return [(tuple(item["loc"]), _text(dict(item), model, standard)) for item in error.errors(include_url=False)]


def _text(item: dict[str, Any], model: type[BaseModel], standard: Collection[str]) -> str:
    path: Path = tuple(item["loc"])
    kind = item["type"]
    if kind == "extra_forbidden":
        return _unknown(str(path[-1]), path[:-1], model, standard)
    if kind == "missing":
        return _ALLOWED[kind]
    allowed = _ALLOWED.get(kind) or _plainer(item["msg"])
    return f"found {shown(path, item['input'])}; allowed: {allowed}{_shape(kind, item['input'], path, model)}"


def _unknown(word: str, path: Path, model: type[BaseModel], standard: Collection[str]) -> str:
    """Say that a setting is unknown at a place: what was probably meant there, or where it belongs."""
    known = known_at(model, path)
    bare = word.strip("- \u00a0\ufeff")
    if bare != word:
        return f'unknown; did you mean "{bare}"? Type it anew: a dash needs a space after it, and spaces must be plain'
    if nearest(word, known, _SURE) is None and (text := _elsewhere(word, path, model, standard)):
        return f"unknown here; {text}"
    return unknown_text(word, known)


def _elsewhere(word: str, path: Path, model: type[BaseModel], standard: Collection[str]) -> str | None:
    if word.lower() in standard and "keys" in known_at(model, path):
        return f"{word} is a configuration key of OCPP: it belongs below keys"
    if places := places_of(model, path, word):
        return f"it belongs below {' or '.join(places)}"
    return None


def _plainer(message: str) -> str:
    message = message.removeprefix("Value error, ").replace("Input should be ", "")
    for words, plain in _PLAIN.items():
        message = message.replace(words, plain)
    return message


def _shape(kind: str, found: Any, path: Path, model: type[BaseModel]) -> str:
    """Show what the right shape looks like, where another one was found."""
    if isinstance(found, str) and any(sign in found for sign in _TYPOGRAPHIC):
        return "; the quotes around it are typographic: type plain ones"
    match kind:
        case "list_type":
            example = example_at(model, path)
            return f", each item after a dash{f', such as - {example}' if example else ''}"
        case "model_type" | "model_attributes_type":
            return f", such as {example_at(model, path)}{_missing_sign(found)}"
        case "dict_type":
            return _missing_sign(found)
        case _:
            return ""


def _missing_sign(found: Any) -> str:
    match found:
        case list():
            return "; leave out the dash"
        case str() if _NAME_AND_COLON.match(found):
            return "; a colon needs a space after it"
        case str() if _NAME_AND_VALUE.match(found):
            return "; a setting needs a colon after its name"
        case _:
            return ""


def _is_secret(name: Any) -> bool:
    return isinstance(name, str) and bool(_SECRET.search(name)) and not name.endswith("_file")
