"""What a look at something brings: of which kind it is, what was found, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Say how bad it is."""

    OK = "ok"
    NOTE = "note"
    """It works, but is perhaps not meant so; or it could not be looked at."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """Be one line of the report: what was looked at, what was found there, and what to do about it."""

    what: str
    verdict: Verdict
    said: str
    remedy: str | None = None


def ok(what: str, said: str) -> Finding:
    """Find that something is well."""
    return Finding(what, Verdict.OK, said)


def note(what: str, said: str, remedy: str | None = None) -> Finding:
    """Find something that should be known."""
    return Finding(what, Verdict.NOTE, said, remedy)


def wrong(what: str, said: str, remedy: str | None = None) -> Finding:
    """Find something that keeps the daemon from its work."""
    return Finding(what, Verdict.WRONG, said, remedy)


def blamed(what: str, sentence: str) -> Finding:
    """Find something wrong of which a sentence of the daemon's tells, with the advice after its last colon."""
    said, colon, advice = sentence.rpartition(": ")
    return wrong(what, said, advice.rstrip(".")) if colon else wrong(what, sentence)
