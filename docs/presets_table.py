"""The table of device presets: what each is for, and what it has to be told."""

from __future__ import annotations

from collections.abc import Iterator

from config import devices
from config.sensors import PresetSettings


def text() -> str:
    """Return the table."""
    return "\n".join(["| preset | device | asks for | feeds |", "| --- | --- | --- | --- |", *_rows(), ""])


def _rows() -> Iterator[str]:
    for name in devices.names():
        kind = devices.preset(name)
        asked = ", ".join(_asked(kind))
        fed = ", ".join(dict.fromkeys(f"`{one.to.rpartition('/')[2]}`" for one in kind.inputs))
        yield f"| `{name}` | {kind.device} | {asked} | {fed} |"


def _asked(kind: PresetSettings) -> Iterator[str]:
    for name, variable in kind.variables.items():
        yield f"`{name}`" if variable.default is None else f"`{name}` ({variable.default})"
