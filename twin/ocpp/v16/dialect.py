"""OCPP 1.6 as a dialect: encoding, decoding and keys behind one object, shared by boxes that were configured alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from twin.model.effects import Outcome, Report
from twin.model.inputs import Answer, Request
from twin.model.spec import KeySpec, TwinSpec
from twin.model.variables import Variables
from twin.ocpp.v16 import decode, encode
from twin.ocpp.v16.keys import KeyTable, key_table


class Dialect16:
    """Translate between a twin and a Central System that speaks OCPP 1.6."""

    __slots__ = ("_keys",)

    name = "1.6"
    subprotocol = "ocpp1.6"

    def __init__(self, keys: KeyTable) -> None:
        self._keys = keys

    @classmethod
    def configured(cls, keys: Mapping[str, KeySpec]) -> Self:
        """Return the dialect of a box with these configured keys."""
        return cls(key_table(keys))

    @property
    def settings(self) -> Mapping[str, KeySpec]:
        """Return the configured keys by variable."""
        return self._keys.settings

    def request(self, action: str, payload: dict[str, Any], ref: str, variables: Variables) -> Request:
        """Return what a CALL asks for. Raises ProtocolError."""
        max_keys = variables.integer("DeviceDataCtrlr.ItemsPerMessage") if action == "GetConfiguration" else None
        return decode.request(action, payload, ref, self._keys, max_keys)

    def reply(self, outcome: Outcome) -> Any:
        """Return the payload of a CALLRESULT."""
        return encode.outcome(outcome, self._keys)

    def action(self, report: Report) -> str:
        """Return the action that carries a report."""
        return encode.action(report)

    def report(self, report: Report, spec: TwinSpec, transaction_id: int | None) -> Any:
        """Return the payload of a report's CALL; `transaction_id` is that of its session, where it has one."""
        return encode.report(report, spec, transaction_id)

    def answer(self, report: Report, payload: dict[str, Any]) -> Answer:
        """Return what a CALLRESULT means to the report that it answers. Raises ProtocolError."""
        return decode.answer(report, payload)
