"""The usual frames of a WebSocket (RFC 6455 §5.2), read and written without the library, as a client.

Usual are whole texts of less than 64 KiB, pings and pongs, without extensions. Everything else is the library's: a
connection asks it as soon as it meets something else, so that only connections which need one carry its state.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from secrets import token_bytes
from struct import iter_unpack
from typing import Final

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # in C where that was built

TEXT: Final = 0x81
"""The first byte of a text in one frame: FIN and the opcode."""

PING: Final = 0x89
PONG: Final = 0x8A

_SHORT, _MIDDLE = 126, 127
_MAX_MIDDLE = 0xFFFF

# Asking the system for four bytes takes longer than all else that is done to a frame.
_masks: Iterator[tuple[bytes]] = chain.from_iterable(iter_unpack("4s", token_bytes(size)) for size in repeat(4096))


class Unusual(Exception):
    """Say that the library has to read this."""


def look(data: bytes, at: int, max_size: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at `at` begins and ends, None if it is not whole. Raises Unusual."""
    left = len(data) - at
    if left < 2:
        if left and data[at] not in (TEXT, PING, PONG):
            raise Unusual
        return None
    first, size, start = data[at], data[at + 1], at + 2
    if size == _SHORT and first == TEXT:
        if left < 4:
            return None
        size, start = int.from_bytes(data[start : start + 2], "big"), start + 2
    elif size >= _SHORT or first not in (TEXT, PING, PONG):
        raise Unusual  # masked, longer, fragmented, compressed, a close, or wrong
    if size > max_size:
        raise Unusual
    end = start + size
    return (start, end) if end <= len(data) else None


def frame(first: int, data: bytes) -> bytes:
    """Return a frame as a client sends it: with a mask that nobody can foresee (RFC 6455 §5.3, §10.3)."""
    size = len(data)
    if size < _SHORT:
        head = bytes((first, 0x80 | size))
    elif size <= _MAX_MIDDLE:
        head = bytes((first, 0x80 | _SHORT)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0x80 | _MIDDLE)) + size.to_bytes(8, "big")
    (mask,) = next(_masks)
    return head + mask + apply_mask(data, mask)
