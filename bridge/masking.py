"""What is hidden before anything is published or logged: secrets always, idTags where the settings say so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

HIDDEN = "***"

_SECRET_KEYS = frozenset({"basic", "authorization"})
# Names of others end in such words, too: a vendor's key WifiPassword.
_SECRET_PARTS = ("authorizationkey", "authorization_key", "password", "passphrase", "passwd", "secret")
_ID_TAG_KEYS = frozenset({"idtag", "parentidtag", "id_tag", "parent_id_tag", "reserved_for", "token"})
# JSON may write a slash with a backslash before it, and any character as \\uXXXX.
_SECRET_WORD = re.compile(r"authorization|passw|passphrase|secret|basic\s|:(?:\\?/){2}[^\s\"]*@", re.IGNORECASE)
# In a text within the text (a vendor's data) quotes have backslashes before them; the rest of that text goes, too.
_ID_TAG_TEXT = re.compile(r'("(?:parent_?)?id_?tag\\*"\s*:\s*\\*")(?:[^"\\]|\\.)*', re.IGNORECASE)
_ASSIGNED = re.compile(r'(?:authorization_?key|password)["\\]*\s*[:=]', re.IGNORECASE)
_BASIC = re.compile(r"(Basic\s+)[A-Za-z0-9+/=_-]+", re.IGNORECASE)
# As far as the last @, because a password may hold one, and a slash too, where nobody encoded it.
_USER_INFO = re.compile(r"(://)[^\s\"'<>]+@")
_MAX_DEPTH = 32


def url(text: str) -> str:
    """Take user and password out of a URL."""
    parts = urlsplit(text)
    if "@" not in parts.netloc:
        return text
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@lru_cache(maxsize=1024)
def is_secret(key: str) -> bool:
    """Tell whether what has this name is secret."""
    folded = key.casefold()
    return folded in _SECRET_KEYS or any(part in folded for part in _SECRET_PARTS)


def secrets(value: Any, depth: int = 0) -> Any:
    """Hide all secrets in something JSON-like: by the name of a key, and a configuration key's value by its name."""
    if depth > _MAX_DEPTH:
        return HIDDEN
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dict | Mapping):
        return _mapping(value, depth)
    if isinstance(value, list | tuple):
        return [secrets(item, depth + 1) for item in value]
    return value


def _mapping(value: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
    # However they are written: what a Central System spells wrong is traced as well.
    named = any(len(name := str(key)) == 3 and name.casefold() == "key" and is_secret(str(value[key])) for key in value)
    hidden = {}
    for key, item in value.items():
        if item is not None and (is_secret(str(key)) or (named and str(key).casefold() == "value")):
            hidden[key] = HIDDEN
        else:
            hidden[key] = _text(item) if isinstance(item, str) else secrets(item, depth + 1)
    return hidden


def _text(value: str) -> str:
    # A cheap look for most: where the three below find something, one of these is.
    folded = value.casefold()
    if not ("@" in folded or "basic" in folded or "password" in folded or "authorization" in folded):
        return str(value)
    if _ASSIGNED.search(value):
        return HIDDEN
    return _USER_INFO.sub(rf"\1{HIDDEN}@", _BASIC.sub(rf"\1{HIDDEN}", value))


def id_tags(value: Any, depth: int = 0) -> Any:
    """Hide all idTags in something JSON-like, by the names of the keys."""
    if depth > _MAX_DEPTH:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if str(key).casefold() in _ID_TAG_KEYS and item is not None else id_tags(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [id_tags(item, depth + 1) for item in value]
    return value


def frame(text: str, *, mask_id_tags: bool) -> str:
    """Hide secrets, and idTags if asked to, in the text of an OCPP frame."""
    if "\\u" in text or _SECRET_WORD.search(text):
        try:
            text = _hidden(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            # Not JSON (a raw frame): nobody can tell where the secret ends.
            return HIDDEN
    return id_tag_text(text) if mask_id_tags else text


def _hidden(text: str) -> str:
    """Hide secrets in JSON; a text without any stays as it was written."""
    found = msgspec.json.decode(text)
    hidden = secrets(found)
    return text if hidden == found else msgspec.json.encode(hidden).decode()


def id_tag_text(text: str) -> str:
    """Hide idTags in JSON text, which may be broken."""
    return _ID_TAG_TEXT.sub(rf"\1{HIDDEN}", text)
