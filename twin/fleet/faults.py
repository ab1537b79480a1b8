"""Where a mistake in this program ends: at the one twin that met it, not at the fleet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from twin.errors import LinkError, Rejected

_log = structlog.get_logger("twin")


class Fault(Rejected):
    """Say that a twin failed for a reason that is nobody's but ours; `cause` names the error."""

    def __init__(self, cause: str) -> None:
        super().__init__("internal", "The charge point met a fault of this program; the log tells which")
        self.cause = cause


@contextmanager
def contained(twin_id: str) -> Iterator[None]:
    """Let what is raised on purpose pass; log everything else and raise Fault instead."""
    try:
        yield
    except (LinkError, Rejected):
        raise
    except Exception as error:
        _log.exception("twin_failed", twin=twin_id)
        raise Fault(f"{type(error).__name__}: {error}") from error
