"""How the Central System of the demo answers a station when no script says otherwise: it accepts every station."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.demo.ledger import Ledger, Payload
from bridge.demo.schemas import ACTIONS
from bridge.demo.wire import Violation

HEARTBEAT_INTERVAL_S = 300
_TAKEN = frozenset(
    {
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "LogStatusNotification",
        "MeterValues",
        "SecurityEventNotification",
        "SignedFirmwareStatusNotification",
        "StatusNotification",
    }
)


def answer(ledger: Ledger, identity: str, action: str, request: Payload) -> Payload:
    """Return the confirmation's payload; raises Violation for what a Central System does not do."""
    match action:
        case "Authorize":
            return {"idTagInfo": ledger.verdict(request["idTag"])}
        case "BootNotification":
            return {"status": "Accepted", "currentTime": now(), "interval": HEARTBEAT_INTERVAL_S}
        case "DataTransfer":
            return {"status": "Accepted"}
        case "Heartbeat":
            return {"currentTime": now()}
        case "SignCertificate":
            return {"status": "Rejected"}
        case "StartTransaction":
            # OCPP 1.6 §4.8: there is an id also for a card that is not accepted; the station decides what to do.
            transaction = ledger.begin(identity, request)
            return {"transactionId": transaction.id, "idTagInfo": ledger.verdict(request["idTag"])}
        case "StopTransaction":
            # OCPP 1.6 §4.10: the Central System cannot prevent the end of a transaction, not even of an unknown one.
            ledger.end(identity, request["transactionId"])
            return {"idTagInfo": ledger.verdict(request["idTag"])} if "idTag" in request else {}
        case _ if action in _TAKEN:
            return {}
        case _:
            raise refusal(action)


def refusal(action: str) -> Violation:
    """Return what is wrong with an action that stations do not send, or nobody knows (OCPP-J 1.6 §4.2.3)."""
    if action in ACTIONS:
        return Violation("NotSupported", f"{action} is for the Central System to send")
    return Violation("NotImplemented", f"{action} is no action of OCPP 1.6")


def now() -> str:
    """Return the time as OCPP writes it, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
