"""What a station asks of an OCPP version, and which versions there are.

Must not know a message of any of them: each lies in a package of its own beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twin.model.asked import Request
from twin.model.effects import Outcome, Report
from twin.model.inputs import Answer
from twin.model.spec import KeySpec, TwinSpec
from twin.model.variables import Variables
from twin.ocpp.v16.dialect import Dialect16


class Dialect(Protocol):
    """Translate between the model's words and the wire's, for all boxes that were configured alike."""

    @property
    def name(self) -> str:
        """Return the version, as it stands in the state on MQTT."""
        ...

    @property
    def subprotocol(self) -> str:
        """Return the version, as it stands in the WebSocket handshake."""
        ...

    @property
    def settings(self) -> Mapping[str, KeySpec]:
        """Return the configured keys by variable."""
        ...

    def request(self, action: str, payload: dict[str, Any], ref: str, variables: Variables) -> Request:
        """Return what a CALL asks for. Raises ProtocolError."""
        ...

    def reply(self, outcome: Outcome, action: str) -> Any:
        """Return the payload of the CALLRESULT to a CALL of this action, for msgspec to encode."""
        ...

    def action(self, report: Report) -> str:
        """Return the action that carries a report."""
        ...

    def report(self, report: Report, spec: TwinSpec, transaction_id: int | None) -> Any:
        """Return the payload of a report's CALL, for msgspec to encode."""
        ...

    def answer(self, report: Report, payload: dict[str, Any]) -> Answer:
        """Return what a CALLRESULT means to the report that it answers. Raises ProtocolError."""
        ...


DIALECTS: Mapping[str, Callable[[Mapping[str, KeySpec], bool], Dialect]] = {Dialect16.name: Dialect16.configured}
"""Each version and how its dialect is had from a box's configured keys, tolerant or not."""
