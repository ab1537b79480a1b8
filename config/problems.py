"""What is wrong with a configuration, said so that it can be mended: where, what was found, what is allowed.

Knows pydantic's errors and the layers that settings come from; knows no setting by name.
"""

from __future__ import annotations

import difflib
import json
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

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


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that was probably meant."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[close[0]] if close else None


def unknown_text(word: str, known: Sequence[str]) -> str:
    """Say that a name is unknown, and which one was probably meant."""
    near = nearest(word, known)
    hint = f'did you mean "{near}"? ' if near else ""
    return f"unknown; {hint}Known here: {', '.join(sorted(known))}"


def explain(error: ValidationError, model: type[BaseModel]) -> list[tuple[Path, str]]:
    """Turn pydantic's errors into pairs of path and sentence."""
    return [(tuple(item["loc"]), _text(dict(item), model)) for item in error.errors(include_url=False)]


def _text(item: dict[str, Any], model: type[BaseModel]) -> str:
    path: Path = tuple(item["loc"])
    kind = item["type"]
    if kind == "extra_forbidden":
        return unknown_text(str(path[-1]), _known_keys(model, path[:-1]))
    if kind == "missing":
        return _ALLOWED[kind]
    allowed = _ALLOWED.get(kind) or item["msg"].removeprefix("Value error, ").replace("Input should be ", "")
    return f"found {shown(path, item['input'])}; allowed: {allowed}"


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    where: Any = model
    for step in path:
        where = _field_type(where, step)
    found = _model_in(where)
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _field_type(where: Any, step: str | int) -> Any:
    model = _model_in(where)
    if model is not None and isinstance(step, str) and step in model.model_fields and not _is_collection(where):
        return model.model_fields[step].annotation
    return next((argument for argument in reversed(typing.get_args(where)) if _model_in(argument)), None)


def _is_collection(where: Any) -> bool:
    return typing.get_origin(where) in (list, tuple, dict)


def _model_in(where: Any) -> type[BaseModel] | None:
    if typing.get_origin(where) is None and isinstance(where, type):
        return where if issubclass(where, BaseModel) else None
    return next((found for argument in typing.get_args(where) if (found := _model_in(argument))), None)


def _is_secret(name: Any) -> bool:
    return isinstance(name, str) and bool(_SECRET.search(name)) and not name.endswith("_file")
