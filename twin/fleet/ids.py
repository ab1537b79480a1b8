"""Ids that a twin gives to its messages and sessions: repeatable from its seed, and never used twice."""

from __future__ import annotations

from hashlib import blake2b

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The two bits that make a UUID one of RFC 4122."""


class Ids:
    """Make ids of 36 characters in the form of a UUID (OCPP-J 1.6 §4.1.4).

    Whoever counts the starts in `life` gets other ids after each. A digest takes no state, whereas a random
    generator takes 2.5 kB, which is much for each of ten thousand twins.
    """

    __slots__ = ("_life", "_used")

    def __init__(self, life: str) -> None:
        self._life = life
        self._used = 0

    def __call__(self) -> str:
        """Return the next id."""
        self._used += 1
        digits = blake2b(f"{self._life}/{self._used}".encode(), digest_size=16).hexdigest()
        head, third, fourth = f"{digits[:8]}-{digits[8:12]}", digits[13:16], _VARIANT[digits[16]] + digits[17:20]
        return f"{head}-4{third}-{fourth}-{digits[20:]}"
