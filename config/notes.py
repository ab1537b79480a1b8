"""What is allowed in a configuration, but perhaps not meant: told by `check-config`, at the start, and by `doctor`.

Finds what would work, if it is meant so; what cannot work is a problem, and refused elsewhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from config.fields import is_open
from config.fleet import keys_in
from config.problems import written
from config.settings import Settings
from twin.model.spec import TwinSpec

_ALIKE = 0.85
_FOLDERS_OF_ROOT = frozenset({"data", "etc", "home", "mnt", "opt", "root", "run", "srv", "tmp", "usr", "var"})
_USUAL_PORTS = {
    1883: ("mqtt",),
    8883: ("mqtts",),
    8884: ("mqtts", "wss"),
    9001: ("ws", "wss"),
    8083: ("ws",),
    8084: ("wss",),
}
_SPOKEN = {"mqtt": "MQTT without TLS", "mqtts": "MQTT over TLS", "ws": "WebSockets", "wss": "WebSockets over TLS"}


def notes_on(settings: Settings, twins: Sequence[TwinSpec], standard_keys: Sequence[str]) -> tuple[str, ...]:
    """Return one sentence for each thing that is perhaps not meant; `standard_keys` are OCPP's."""
    return (
        *_look_alikes(settings, standard_keys),
        *_open_keys(twins),
        *_odd_port(settings.mqtt.url),
        *_relative(settings.store.url),
        *_no_password(settings, twins),
        *_no_twins(settings),
    )


def _look_alikes(settings: Settings, standard: Sequence[str]) -> Iterable[str]:
    by_lower = {name.lower(): name for name in standard}
    for path, key, _ in keys_in(settings):
        close = difflib.get_close_matches(key.lower(), by_lower, n=1, cutoff=_ALIKE)
        if close and key.lower() not in by_lower:
            yield f"{written(path)}: taken for a vendor key; did you mean {by_lower[close[0]]}?"


def _open_keys(twins: Iterable[TwinSpec]) -> Iterable[str]:
    # Told, but not refused: the secrets of containers are files which everybody in there may read.
    files = {twin.csms.key_file or twin.csms.certificate_file for twin in twins}
    for path in sorted(path for path in files if path is not None and is_open(path)):
        yield f"csms.key_file: everybody on this machine may read the private key in {path}; chmod 600 mends that"


def _odd_port(url: str) -> Iterable[str]:
    parts = urlsplit(url)
    usual = _USUAL_PORTS.get(parts.port or 0, (parts.scheme,))
    if parts.scheme not in usual:
        yield (
            f"mqtt.url: port {parts.port} is usually that of {_SPOKEN[usual[0]]}, and {parts.scheme}:// is "
            f"{_SPOKEN[parts.scheme]}; did you mean {usual[0]}://?"
        )


def _relative(url: str) -> Iterable[str]:
    path = url.removeprefix("sqlite:///")
    if path.partition("/")[0] in _FOLDERS_OF_ROOT:
        yield f"store.url: {url} lies in the working folder; with four slashes, sqlite:////{path}, it would not"


def _no_password(settings: Settings, twins: Iterable[TwinSpec]) -> Iterable[str]:
    mqtt = settings.mqtt
    if mqtt.username and mqtt.password is None and mqtt.password_file is None and not urlsplit(mqtt.url).password:
        yield "mqtt.username: there is no password to it; mqtt.password or mqtt.password_file is for that"
    bare = [
        twin.id
        for twin in twins
        if twin.csms.security_profile in (1, 2)
        and twin.csms.password is None
        and not any(key.lower() == "authorizationkey" for key in twin.keys)
    ]
    if bare:
        more = "" if len(bare) == 1 else f" and {len(bare) - 1} more"
        who = f'twin "{bare[0]}"{more}'
        yield f"csms.security_profile: {who} has no password, which profiles 1 and 2 need: set csms.password"


def _no_twins(settings: Settings) -> Iterable[str]:
    if not settings.twins and "twins" not in settings.model_fields_set:
        yield "twins: there are none; write `twins: [{id: garage, template: ac-11kw}]`, or add some over MQTT"
