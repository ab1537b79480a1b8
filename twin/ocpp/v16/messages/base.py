"""What the messages of all profiles share: their root, strings and numbers with bounds, the plainest confirmations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from twin.model.terms import AuthorizationStatus

# Strings with the lengths of T-35; an integer is one that the store can hold.
String20: TypeAlias = Annotated[str, Meta(max_length=20)]
String25: TypeAlias = Annotated[str, Meta(max_length=25)]
String40: TypeAlias = Annotated[str, Meta(max_length=40)]
String50: TypeAlias = Annotated[str, Meta(max_length=50)]
String128: TypeAlias = Annotated[str, Meta(max_length=128)]
String255: TypeAlias = Annotated[str, Meta(max_length=255)]
String500: TypeAlias = Annotated[str, Meta(max_length=500)]
String512: TypeAlias = Annotated[str, Meta(max_length=512)]
String800: TypeAlias = Annotated[str, Meta(max_length=800)]
String5500: TypeAlias = Annotated[str, Meta(max_length=5500)]
String10000: TypeAlias = Annotated[str, Meta(max_length=10_000)]
Integer: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Be the root of all messages and their parts; members that are not theirs are refused (OCPP-J errata 3.1)."""


class IdTagInfo(Message, frozen=True):
    """OCPP 1.6 §7.27."""

    status: AuthorizationStatus
    expiry_date: datetime | UnsetType = UNSET
    parent_id_tag: String20 | UnsetType = UNSET


class EmptyConf(Message, frozen=True):
    """Confirm any request whose confirmation says nothing."""


class StatusConf(Message, frozen=True):
    """Confirm any request that is answered by one word."""

    status: str
