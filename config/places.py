"""Where settings stand: which are known at a place, and where one that is unknown there would belong.

Reads the models; knows no setting by name, but for words that people bring along from other programs.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

_MOST_PLACES = 3
_DEEPEST = 5

_MEANT = {
    "host": "url",
    "hostname": "url",
    "port": "url",
    "server": "url",
    "broker": "mqtt",
    "central_system": "csms",
    "chargepoints": "twins",
    "charge_points": "twins",
    "chargers": "twins",
    "stations": "twins",
    "connectors": "evses",
    "name": "id",
    "client_cert": "cert_file",
}
"""What a setting is called elsewhere, and here."""


def known_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the names of the settings that are known at a place."""
    found = _model_at(model, path)
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def example_at(model: type[BaseModel], path: Sequence[str | int]) -> str:
    """Write a setting of a place, a required one if there is any, to show what stands there; empty where none is."""
    found = _model_at(model, path)
    if found is None or not found.model_fields:
        return ""
    fields = [(field.alias or name, field.is_required()) for name, field in found.model_fields.items()]
    return f"{next((name for name, required in fields if required), fields[0][0])}: …"


def meant_by(word: str, known: Sequence[str]) -> str | None:
    """Return what a setting that has another name in other programs is called here."""
    meant = _MEANT.get(word.lower())
    return meant if meant in known else None


def places_of(model: type[BaseModel], path: Sequence[str | int], word: str) -> list[str]:
    """Say where a setting of this name stands, if not at `path`: below it, else elsewhere, nearest first."""
    here = _model_at(model, path)
    below = [] if here is None else [place for place, name in _all(here) if name == word]
    elsewhere = [place for place, name in _all(model) if name == word]
    return sorted(below or elsewhere, key=lambda place: place.count("."))[:_MOST_PLACES]


def _all(model: type[BaseModel], place: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the places of all settings with a name: that of their section, and their own."""
    for name, field in model.model_fields.items():
        if place:
            yield place, field.alias or name
        inner = model_in(field.annotation)
        if inner is not None and depth < _DEEPEST:
            yield from _all(inner, f"{place}.{name}" if place else name, depth + 1)


def _model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    where: Any = model
    for step in path:
        where = _field_type(where, step)
    return model_in(where)


def _field_type(where: Any, step: str | int) -> Any:
    model = model_in(where)
    if model is not None and isinstance(step, str) and step in model.model_fields and not _is_collection(where):
        return model.model_fields[step].annotation
    return next((argument for argument in reversed(typing.get_args(where)) if model_in(argument)), None)


def _is_collection(where: Any) -> bool:
    return typing.get_origin(where) in (list, tuple, dict)


def model_in(where: Any) -> type[BaseModel] | None:
    """Return the model that a type consists of, or holds."""
    if typing.get_origin(where) is None and isinstance(where, type):
        return where if issubclass(where, BaseModel) else None
    return next((found for argument in typing.get_args(where) if (found := model_in(argument))), None)
