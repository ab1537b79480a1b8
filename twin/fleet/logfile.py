"""The file that a Central System gets when it asks for a log: what a person needs to understand a charge point.

Decides what stands in the file and hides all secrets; where entries come from and the file goes is not known here.
"""

from __future__ import annotations

import platform
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from twin.model.effects import Deliver
from twin.model.spec import TwinSpec
from twin.model.terms import Instant, LogKind
from twin.model.view import TwinView
from twin.store.port import Entries

EARLIEST, LATEST = (datetime(year, 1, 2, tzinfo=UTC).timestamp() for year in (1, 9999))

Hide: TypeAlias = Callable[[Any], Any]
"""Hides the secrets in something JSON-like."""


def write(path: Path, job: Deliver, spec: TwinSpec, view: TwinView, entries: Entries, now: Instant, hide: Hide) -> None:
    """Write a ZIP archive: who the twin is, its log in the order of time, and for diagnostics what it shows of itself.

    Raises OSError.
    """
    about = {
        "log": job.kind,
        "twin": spec.id,
        "identity": spec.identity,
        "vendor": spec.vendor,
        "model": spec.model,
        "serial_number": spec.serial_number,
        "firmware_version": view.station.firmware_version,
        "ocpp_version": view.station.ocpp_version,
        "program": f"ocpp-twin {version('ocpp-twin')}",
        "python": platform.python_version(),
        "from": _time(job.oldest),
        "to": _time(job.latest),
        "written_at": _time(now),
        "entries": len(entries),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about.json", _pretty(hide(about)))
        archive.writestr("log.jsonl", b"".join(_line(at, entry, hide) for at, entry in entries))
        if job.kind is LogKind.DIAGNOSTICS:
            archive.writestr("state.json", _pretty(hide(msgspec.to_builtins(view))))


def _line(at: Instant, entry: bytes, hide: Hide) -> bytes:
    return msgspec.json.encode({"at": _time(at), **hide(msgspec.json.decode(entry))}) + b"\n"


def _pretty(content: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _time(at: Instant | None) -> str | None:
    if at is None:
        return None
    # A bound of the Central System may lie outside of what a calendar holds, once it is on our clock.
    return datetime.fromtimestamp(min(max(at, EARLIEST), LATEST), UTC).isoformat(timespec="milliseconds")
