"""The table of OCPP configuration keys: what a twin has, with default and access."""

from __future__ import annotations

from collections.abc import Iterator

from twin.model.variables import RULES, Rule
from twin.ocpp.v16.keys import KEYS

_UNLIMITED = 2**31 - 1
_FOLLOWS = {
    "ConnectorPhaseRotation": "`RST` for each EVSE",
    "ConnectorPhaseRotationMaxLength": "number of EVSEs + 1",
    "NumberOfConnectors": "number of EVSEs",
    "SecurityProfile": "`csms.security_profile`",
    "UnlockConnectorOnEVSideDisconnect": "`true`; `false` and read-only with a fixed cable",
}
"""What follows from the rest of the configuration."""


def text() -> str:
    """Return the table."""
    return "\n".join(["| key | value | at first start | access |", "| --- | --- | --- | --- |", *_rows(), ""])


def _rows() -> Iterator[str]:
    for key, name in sorted(KEYS.items(), key=lambda item: item[0].casefold()):
        rule = RULES[name]
        default = _FOLLOWS.get(key) or (f"`{rule.default}`" if rule.default else "")
        yield f"| `{key}` | {_value(rule)} | {default} | {_access(rule)} |"


def _value(rule: Rule) -> str:
    match rule.kind:
        case "int":
            bound = f" to {rule.high:,}" if rule.high != _UNLIMITED else " or more"
            return f"{rule.low}{bound}"
        case "bool":
            return "`true`, `false`"
        case "list":
            return "list"
        case "text":
            return "text"


def _access(rule: Rule) -> str:
    if rule.secret:
        return "write"
    return "read" if rule.readonly else "read, write"
