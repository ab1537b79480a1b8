"""Kinds of devices, as data in `presets/devices/`, and what one of them adds to the configuration.

Decides which file a preset is and what its variables are replaced by; what inputs and outputs mean, others know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

import yaml
from pydantic import ValidationError

from config.problems import ConfigError, Path, Problem, explain, unknown_text
from config.sensors import DeviceSettings, Inference, InputSettings, PresetSettings

Wrong = tuple[Path, str]

_FOLDER = resources.files("config") / "presets" / "devices"
_SUFFIX = ".yaml"


@dataclass(frozen=True, slots=True)
class Equipment:
    """Be what a device brings: `inputs` with full topics, `infer`, and `outputs` as they stand in the preset."""

    inputs: tuple[InputSettings, ...] = ()
    infer: Inference | None = None
    outputs: tuple[dict[str, Any], ...] = ()


@cache
def names() -> tuple[str, ...]:
    """Return the names of all presets that come with the program."""
    return tuple(sorted(file.name.removesuffix(_SUFFIX) for file in _FOLDER.iterdir() if file.name.endswith(_SUFFIX)))


@cache
def preset(name: str) -> PresetSettings:
    """Return a preset by name, or from a file. Raises ConfigError."""
    if name in names():
        text = (_FOLDER / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    elif is_file_name(name):
        try:
            text = FilePath(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
            raise ConfigError([Problem(name, (), f"cannot be read: {reason.lower()}")]) from None
    else:
        raise ConfigError([Problem("preset", (), f'found "{name}": {unknown_text(name, names())}')])
    return parsed(name, text)


def is_file_name(name: str) -> bool:
    """Tell whether a preset is meant to be a file."""
    return "/" in name or name.endswith((".yaml", ".yml"))


def parsed(name: str, text: str) -> PresetSettings:
    """Read the text of a preset. Raises ConfigError."""
    try:
        tree = yaml.safe_load(text)
        return PresetSettings.model_validate(tree)
    except yaml.YAMLError as error:
        raise ConfigError([Problem(name, (), f"is not YAML: {str(error).splitlines()[0]}")]) from None
    except ValidationError as error:
        raise ConfigError(Problem(name, *wrong) for wrong in explain(error, PresetSettings)) from None


def equipped(device: DeviceSettings, kind: PresetSettings) -> tuple[Equipment, list[Wrong]]:
    """Return what a device brings, and what is wrong with how it is described."""
    given = device.__pydantic_extra__ or {}
    wrong: list[Wrong] = [
        ((name,), unknown_text(name, [*kind.variables, *DeviceSettings.model_fields]))
        for name in given
        if name not in kind.variables
    ]
    values: dict[str, str] = {}
    for name, variable in kind.variables.items():
        value = given.get(name, variable.default)
        if value is None:
            wrong.append(((name,), f"this setting is required: {variable.about}"))
        elif any(sign in value for sign in "+#{}\x00") or value.strip("/") != value or not value:
            wrong.append(((name,), f'found "{value}"; allowed: a text for topics, without +, #, braces and outer /'))
        else:
            values[name] = value
    if wrong:
        return Equipment(), wrong
    return Equipment(
        tuple(_input(one, device, values) for one in kind.inputs),
        kind.infer,
        tuple(replaced(one, values) for one in kind.outputs),
    ), []


def _input(one: InputSettings, device: DeviceSettings, values: Mapping[str, str]) -> InputSettings:
    changes: dict[str, Any] = replaced({"topic": one.topic, "value": one.value, "path": one.path}, values)
    changes["to"] = f"{device.evse}/{one.to}"
    if one.max_age is not None:
        changes["max_age"] = device.max_age or one.max_age
        changes["on_stale"] = device.on_stale or one.on_stale
    return one.model_copy(update=changes)


def replaced(found: Any, values: Mapping[str, str]) -> Any:
    """Put the values of variables into all texts of a piece of a preset; other braces stay."""
    match found:
        case str():
            if not values:
                return found
            # Not within `{{ … }}`, which is Jinja's.
            names_here = "|".join(map(re.escape, values))
            return re.sub(rf"(?<!\{{)\{{({names_here})\}}(?!\}})", lambda hole: values[hole[1]], found)
        case dict():
            return {name: replaced(value, values) for name, value in found.items()}
        case list():
            return [replaced(item, values) for item in found]
        case _:
            return found


def recognised(kind: PresetSettings, given: Mapping[str, str], topic: str) -> dict[str, str]:
    """Find out from a topic of such a device what the preset has to be told; what was given counts.

    Variables with a default have it where the topic allows that; what it does not tell has its own name as value.
    """
    defaults = {name: variable.default for name, variable in kind.variables.items() if variable.default is not None}
    for known in ({**defaults, **given}, dict(given)):
        for one in kind.inputs:
            found = _shape(replaced(one.topic, known), set(kind.variables)).fullmatch(topic)
            if found is not None:
                return {**found.groupdict(), **given}
    return {name: name.upper() for name in kind.variables if name not in defaults} | dict(given)


def _shape(topic: str, variables: set[str]) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", topic)  # text, name, text, name, … text
    seen: set[str] = set()
    written = ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            written += re.escape(part).replace(r"\+", "[^/]+").replace(r"\#", ".*")
        elif part in variables and part not in seen:
            seen.add(part)
            written += f"(?P<{part}>.+)"
        else:
            written += "[^/]+"
    return re.compile(written)
