"""What is hidden before anything is published or logged: secrets always, idTags where the settings say so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

HIDDEN = "***"

_SECRET_KEYS = frozenset({"authorizationkey", "password", "basic", "authorization", "secret", "key_file_password"})
_ID_TAG_KEYS = frozenset({"idtag", "parentidtag", "id_tag", "parent_id_tag", "reserved_for", "token"})
_SECRET_WORD = re.compile(r"authorization_?key|password|basic\s|://[^/\s]*@", re.IGNORECASE)
_ID_TAG_TEXT = re.compile(r'("(?:parent_?)?id_?tag"\s*:\s*")(?:[^"\\]|\\.)*', re.IGNORECASE)
_ASSIGNED = re.compile(r'(?:authorization_?key|password)["\\]*\s*[:=]', re.IGNORECASE)
_BASIC = re.compile(r"(Basic\s+)[A-Za-z0-9+/=_-]+", re.IGNORECASE)
_USER_INFO = re.compile(r"(://)[^/@\s]+@")
_MAX_DEPTH = 32


def url(text: str) -> str:
    """Take user and password out of a URL."""
    parts = urlsplit(text)
    if "@" not in parts.netloc:
        return text
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def is_secret(key: str) -> bool:
    """Tell whether what has this name is secret."""
    return key.casefold() in _SECRET_KEYS


def secrets(value: Any, depth: int = 0) -> Any:
    """Hide all secrets in something JSON-like: by the name of a key, and a configuration key's value by its name."""
    if depth > _MAX_DEPTH:
        return HIDDEN
    if isinstance(value, Mapping):
        named = is_secret(str(value.get("key", "")))
        return {
            key: HIDDEN
            if (is_secret(str(key)) or (named and key == "value")) and item is not None
            else secrets(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [secrets(item, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    return value


def _text(value: str) -> str:
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
    if _SECRET_WORD.search(text):
        try:
            text = msgspec.json.encode(secrets(msgspec.json.decode(text))).decode()
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            # Not JSON (a raw frame): nobody can tell where the secret ends.
            return HIDDEN
    return id_tag_text(text) if mask_id_tags else text


def id_tag_text(text: str) -> str:
    """Hide idTags in JSON text, which may be broken."""
    return _ID_TAG_TEXT.sub(rf"\1{HIDDEN}", text)
