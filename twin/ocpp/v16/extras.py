"""Members that OCPP 1.6 does not have, left out of what a Central System says, for those that cannot do without.

So are optional members that are null, as some write who mean that there are none. Decides by the messages' own fields;
must not know what they mean. What else is wrong with a payload stays as it is.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from msgspec import inspect

from twin.ocpp.v16.messages.base import Message


def without(payload: dict[str, Any], expected: type[Message]) -> dict[str, Any]:
    """Return the payload with nothing in it that the message has not, or may go without."""
    known: dict[str, Any] = _known(payload, _shape(expected))
    return known


@cache
def _shape(expected: type[Message]) -> inspect.Type:
    return inspect.type_info(expected)


def _known(found: Any, shape: inspect.Type) -> Any:
    match shape:
        case inspect.StructType(fields=fields) if isinstance(found, dict):
            members = {field.encode_name: field for field in fields}
            return {
                name: _known(part, members[name].type)
                for name, part in found.items()
                if name in members and (part is not None or members[name].required)
            }
        case inspect.VarTupleType(item_type=item) if isinstance(found, list):
            return [_known(part, item) for part in found]
        case _:
            return found
