"""What comes with the program: models of cars and of charge points, as data in `presets/`."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml

from config.twins import TemplateSettings
from twin.model.spec import EvSpec


@cache
def cars() -> dict[str, EvSpec]:
    """Return the car models by name."""
    return {name: EvSpec(name=name, **fields) for name, fields in _data("cars").items()}


@cache
def chargers() -> dict[str, TemplateSettings]:
    """Return the built-in templates by name."""
    return {name: TemplateSettings.model_validate(fields) for name, fields in _data("chargers").items()}


def _data(name: str) -> dict[str, dict[str, Any]]:
    text = (resources.files("config") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    data: dict[str, dict[str, Any]] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return data
