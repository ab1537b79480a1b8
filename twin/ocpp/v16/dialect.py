"""OCPP 1.6 as a dialect: encoding, decoding and keys behind one object, shared by boxes that were configured alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from twin.model.asked import Request
from twin.model.effects import Outcome, Report
from twin.model.inputs import Answer
from twin.model.spec import KeySpec, TwinSpec
from twin.model.variables import SUPPORTED, Variables
from twin.ocpp.v16 import decode, encode, extras
from twin.ocpp.v16.actions import CONFIRMATIONS, REQUESTS
from twin.ocpp.v16.keys import KeyTable, key_table
from twin.ocpp.v16.messages.base import Message


class Dialect16:
    """Translate between a twin and a Central System that speaks OCPP 1.6."""

    __slots__ = ("_keys", "_tolerant")

    name = "1.6"
    subprotocol = "ocpp1.6"

    def __init__(self, keys: KeyTable, *, tolerant: bool) -> None:
        self._keys = keys
        self._tolerant = tolerant

    @classmethod
    def configured(cls, keys: Mapping[str, KeySpec], tolerant: bool = False) -> Self:
        """Return the dialect of a box with these configured keys.

        A `tolerant` one reads over members that OCPP does not have, which else are a violation (T-30).
        """
        return cls(key_table(keys), tolerant=tolerant)

    @property
    def settings(self) -> Mapping[str, KeySpec]:
        """Return the configured keys by variable."""
        return self._keys.settings

    def request(self, action: str, payload: dict[str, Any], ref: str, variables: Variables) -> Request:
        """Return what a CALL asks for. Raises ProtocolError."""
        max_keys = variables.integer("DeviceDataCtrlr.ItemsPerMessage") if action == "GetConfiguration" else None
        heard = self._heard(payload, REQUESTS.get(action))
        return decode.request(action, heard, ref, self._keys, max_keys, variables.items(SUPPORTED))

    def reply(self, outcome: Outcome, action: str) -> Any:
        """Return the payload of the CALLRESULT to a CALL of this action."""
        return encode.outcome(outcome, self._keys, action)

    def action(self, report: Report) -> str:
        """Return the action that carries a report."""
        return encode.action(report)

    def report(self, report: Report, spec: TwinSpec, transaction_id: int | None) -> Any:
        """Return the payload of a report's CALL; `transaction_id` is that of its session, where it has one."""
        return encode.report(report, spec, transaction_id)

    def answer(self, report: Report, payload: dict[str, Any]) -> Answer:
        """Return what a CALLRESULT means to the report that it answers. Raises ProtocolError."""
        return decode.answer(report, self._heard(payload, CONFIRMATIONS[encode.action(report)]))

    def _heard(self, payload: dict[str, Any], expected: type[Message] | None) -> dict[str, Any]:
        return extras.without(payload, expected) if self._tolerant and expected is not None else payload
