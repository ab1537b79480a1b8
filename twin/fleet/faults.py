"""Where a mistake in this program ends: at the one twin that met it, not at the fleet."""

from __future__ import annotations

from types import TracebackType

import structlog

from twin.errors import LinkError, Rejected

_log = structlog.get_logger("twin")


class Fault(Rejected):
    """Say that a twin failed for a reason that is nobody's but ours; `cause` names the error."""

    def __init__(self, cause: str) -> None:
        super().__init__("internal", "The charge point met a fault of this program; the log tells which")
        self.cause = cause


class contained:  # noqa: N801 - reads as a statement; a generator would take as long as what is in it
    """Let what is raised on purpose pass; log everything else and raise Fault instead."""

    __slots__ = ("_twin_id",)

    def __init__(self, twin_id: str) -> None:
        self._twin_id = twin_id

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, Exception) and not isinstance(error, LinkError | Rejected):
            _log.exception("twin_failed", twin=self._twin_id)
            raise Fault(f"{type(error).__name__}: {error}") from error
