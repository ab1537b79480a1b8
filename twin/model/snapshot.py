"""A twin's durable state as named parts of JSON, with a version: what a restart begins with.

The connection and the registration are left out on purpose: a program that starts again boots again (B-01).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from twin.errors import SnapshotError
from twin.model.box import Box
from twin.model.cards import Cache, LocalList
from twin.model.credentials import NONE, Credentials
from twin.model.installed import Installed
from twin.model.spec import EvseSpec, KeySpec, TwinSpec
from twin.model.state import CacheEntry, Evse, Register, Station
from twin.model.terms import Instant, Status
from twin.model.variables import SMART_CHARGING, Variables

VERSION: Final = 1

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From a version to the next: a function on the decoded content of a part."""

_encode = msgspec.json.Encoder().encode


class _List(msgspec.Struct):
    version: int
    entries: dict[str, CacheEntry]


class _Part(msgspec.Struct):
    v: int
    d: msgspec.Raw


def fresh(spec: TwinSpec, settings: Mapping[str, KeySpec], now: Instant, ids: Callable[[], str]) -> Box:
    """Make a box that was never switched on before."""
    evses = [_evse(number, hardware, now) for number, hardware in enumerate(spec.evses, start=1)]
    return Box(spec, Station(), _evse(0, EvseSpec(), now), evses, _variables(spec, settings), ids)


def dump(box: Box) -> dict[str, bytes]:
    """Return the parts; those that say nothing are left out."""
    if box.variables.stored is None:
        box.variables.stored = _wrap(box.variables.dump())
    parts = {"station": _wrap(box.station), "variables": box.variables.stored}
    for name, evse in zip(_evse_names(len(box.evses)), (box.common, *box.evses), strict=True):
        parts[name] = _wrap(evse)
    if box.transactions:
        parts["transactions"] = _wrap(box.transactions)
    if box.cache.entries:
        if box.cache.stored is None:
            box.cache.stored = _wrap(box.cache.entries)
        parts["cache"] = box.cache.stored
    if box.local_list.entries:
        if box.local_list.stored is None:
            box.local_list.stored = _wrap(_List(box.local_list.version, box.local_list.entries))
        parts["list"] = box.local_list.stored
    if box.profiles.entries:
        if box.profiles.stored is None:
            box.profiles.stored = _wrap(box.profiles.entries)
        parts["profiles"] = box.profiles.stored
    if box.credentials != NONE:
        if box.credentials_stored is None or box.credentials_stored[0] is not box.credentials:
            box.credentials_stored = box.credentials, _wrap(box.credentials)
        parts["certificates"] = box.credentials_stored[1]
    return parts


def restore(
    spec: TwinSpec, settings: Mapping[str, KeySpec], parts: Mapping[str, bytes], now: Instant, ids: Callable[[], str]
) -> Box:
    """Make a box from its parts; EVSEs that the configuration added are new. Raises SnapshotError."""
    box = fresh(spec, settings, now, ids)
    if "station" in parts:
        box.station = _unwrap(parts["station"], Station)
    if "variables" in parts:
        box.variables.restore(_unwrap(parts["variables"], dict[str, dict[str, str]]))
    for number in range(len(spec.evses) + 1):
        if (data := parts.get(f"evse/{number}")) is not None:
            evse = _unwrap(data, Evse)
            if number == 0:
                box.common = evse
            else:
                box.evses[number - 1] = evse
    gone = [name for name in parts if name.startswith("evse/") and int(name[5:]) > len(spec.evses)]
    if gone:
        former = (_unwrap(parts[name], Evse) for name in gone)
        box.orphans = tuple(evse for evse in former if evse.session is not None)
    if "transactions" in parts:
        box.transactions = _unwrap(parts["transactions"], dict[str, int | None])
    if "cache" in parts:
        box.cache = Cache(_unwrap(parts["cache"], dict[str, CacheEntry]))
    if "profiles" in parts and box.variables.supports(SMART_CHARGING):
        installed = _unwrap(parts["profiles"], tuple[Installed, ...])
        box.profiles.keep(one for one in installed if one.evse <= len(spec.evses))
    if "certificates" in parts:
        box.credentials = _unwrap(parts["certificates"], Credentials)
    if "list" in parts:
        known = _unwrap(parts["list"], _List)
        box.local_list = LocalList(known.version, known.entries)
    return box


def _evse(number: int, hardware: EvseSpec, now: Instant) -> Evse:
    return Evse(number, Status.AVAILABLE, now, Register(now, hardware.meter_start_wh if number else 0.0))


def _variables(spec: TwinSpec, settings: Mapping[str, KeySpec]) -> Variables:
    fixed_cable = not any(evse.lock for evse in spec.evses)
    return Variables(len(spec.evses), settings, fixed_cable=fixed_cable, security_profile=spec.csms.security_profile)


@lru_cache
def _evse_names(count: int) -> tuple[str, ...]:
    """Return the names of the EVSEs' parts, the same objects for all boxes."""
    return tuple(f"evse/{number}" for number in range(count + 1))


def _wrap(content: Any) -> bytes:
    return _encode({"v": VERSION, "d": content})


def _unwrap(data: bytes, kind: Any) -> Any:
    try:
        part = msgspec.json.decode(data, type=_Part)
        if part.v > VERSION:
            raise SnapshotError(f"a stored state of version {part.v} is newer than this program's {VERSION}")
        if part.v == VERSION:
            return msgspec.json.decode(part.d, type=kind)
        content = msgspec.json.decode(part.d)
        for version in range(part.v, VERSION):
            content = UPGRADES[version](content)
        return msgspec.convert(content, type=kind)
    except (msgspec.MsgspecError, KeyError) as error:
        raise SnapshotError(f"a stored state cannot be read: {error}") from error
