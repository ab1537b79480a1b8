"""The reference of all settings: one table for each section, from the settings' own types, defaults and docstrings."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from annotated_types import MaxLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.outputs import ConfirmSettings, OutputSettings
from config.sensors import DeviceSettings, InferSettings, InputSettings
from config.settings import Settings
from config.traffic import TagSettings, TrafficSettings
from config.twins import EvseDefaults, EvseSettings, KeySettings, TemplateSettings, TwinSettings
from config.units import Quantity

_WORDS = {bool: "`true`, `false`", str: "text", int: "a number", float: "a number"}
_BOUNDS = {"gt": "over", "ge": "from", "lt": "under", "le": "to"}
_WITH_TABLES = ("templates", "twins", "inputs", "infer", "devices", "traffic")

_ITEMS = (
    ("`templates` and `twins`", "A template, and each twin:", TemplateSettings, tuple(EvseDefaults.model_fields)),
    ("`twins`", "Beside these, each twin:", TwinSettings, tuple(TemplateSettings.model_fields)),
    ("`evses`", "Each EVSE; in a template or twin, for all of its EVSEs:", EvseSettings, ()),
    ("`keys`", "Each OCPP key, which is a value, or a mapping of these:", KeySettings, ()),
    ("`inputs`", "Each input:", InputSettings, ()),
    ("`infer`", "Each inference:", InferSettings, ()),
    ("`devices`", "Each device; what its preset asks for stands beside these:", DeviceSettings, ()),
    ("`outputs`", "Each output:", OutputSettings, ("confirm",)),
    ("`confirm` of an output", "Where the thing shows what it does:", ConfirmSettings, ()),
    ("`traffic`", "Each plan by which cars come:", TrafficSettings, ()),
    ("`tags` of traffic", "Each of them, which is an idTag or range, or a mapping of these:", TagSettings, ()),
)
_SPREAD = (Settings, InferSettings, TrafficSettings)
"""Models whose sections are told setting by setting."""


def text() -> str:
    """Return all tables."""
    parts = ["## At the top", "", _table(_fields(Settings, skip=_WITH_TABLES))]
    for name, field in Settings.model_fields.items():
        section = _section(field.annotation)
        if section is not None:
            parts += [f"## `{name}`", "", _table(_fields(section, prefix=f"{name}."))]
    for title, note, model, skip in _ITEMS:
        parts += [f"## {title}", "", note, "", _table(_fields(model, skip=skip))]
    return "\n".join(parts)


def _table(rows: Iterator[str]) -> str:
    return "\n".join(["| setting | value | default | |", "| --- | --- | --- | --- |", *rows, ""])


def _fields(model: type[BaseModel], *, skip: Sequence[str] = (), prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if name in skip or (section is not None and model is Settings):
            continue
        if section is None or not (prefix or model in _SPREAD):
            yield _row(prefix + (field.alias or name), field)
        else:
            yield from _fields(section, prefix=f"{prefix}{name}.")


def _row(name: str, field: FieldInfo) -> str:
    meaning = (field.description or "").replace("<", "&lt;")
    return f"| `{name}` | {_value(name, field)} | {_default(field)} | {meaning} |"


def _value(name: str, field: FieldInfo) -> str:
    if name.endswith("_file"):
        return "a path"
    return "a URL" if name.endswith("url") else _kind(field.annotation, field.metadata)


def _section(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a setting that is a section, not a list or mapping of such."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next((found for part in typing.get_args(annotation) if (found := _section(part))), None)
    return None


def _kind(annotation: Any, metadata: Sequence[Any]) -> str:
    if (quantity := _quantity(annotation, metadata)) is not None:
        return f"{quantity.what}, such as `{quantity.example}`"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(arguments[0], [*arguments[1:], *metadata])
    if origin is Literal:
        return ", ".join(f"`{item}`" for item in arguments)
    if origin in (typing.Union, types.UnionType):
        return ", ".join(_kind(part, metadata) for part in arguments if part is not type(None))
    if origin is list:
        return "a list"
    if origin is dict or _section(annotation) is not None:
        return "a mapping"
    return _WORDS[annotation] + _bounds(metadata)


def _quantity(annotation: Any, metadata: Sequence[Any]) -> Quantity | None:
    """Find out whether a number is written with a unit."""
    found = next((item for item in metadata if isinstance(item, Quantity)), None)
    if found is not None or not typing.get_args(annotation):
        return found
    inner, *more = typing.get_args(annotation)
    is_annotated = typing.get_origin(annotation) is typing.Annotated
    is_optional = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return _quantity(inner, more if is_annotated else ()) if is_annotated or is_optional else None


def _bounds(metadata: Sequence[Any]) -> str:
    said: dict[str, None] = {}
    longest = ""
    for item in (part for found in metadata for part in (*getattr(found, "metadata", ()), found)):
        for name, word in _BOUNDS.items():
            if hasattr(item, name):
                said[f" {word} {getattr(item, name):,.10g}"] = None
        if isinstance(item, MaxLen):
            longest = f", at most {item.max_length} characters"
    return "".join(said) + longest


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    quantity = _quantity(field.annotation, field.metadata)
    match field.default:
        case None | BaseModel() | [] | {} if not isinstance(field.default, bool | int | float):
            return ""
        case bool():
            return "`true`" if field.default else "`false`"
        case [TagSettings() as only]:
            return f'`["{only.tag}"]`'
        case [BaseModel(), *_] as items:
            return f"`{len(items)}`"
        case int() | float() if quantity is not None:
            unit = next(name for name, factor in quantity.units.items() if factor == 1)
            return f"`{field.default:.10g}{unit}`"
        case float():
            return f"`{field.default:.10g}`"
        case _:
            return f"`{field.default}`".replace("'", '"')
