"""OCPP messages from text to checked values and back, beside orjson, which checks nothing.

Prints microseconds of CPU for a message: `python -m benchmarks.codec FOLDER TURNS`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial

import msgspec
import orjson

from benchmarks.alternating import medians
from twin.ocpp import frames
from twin.ocpp.v16.actions import CONFIRMATIONS, REQUESTS
from twin.ocpp.v16.messages import core

_ROUNDS = 7

_PERIODS = [{"startPeriod": 900 * number, "limit": 16.0, "numberPhases": 3} for number in range(8)]
_PROFILE = {
    "chargingProfileId": 7,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {
        "startSchedule": "2026-01-05T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": _PERIODS,
    },
}
_INFO = {"status": "Accepted", "expiryDate": "2027-01-05T00:00:00Z", "parentIdTag": "FAMILY"}

HEARD: tuple[tuple[str, dict[str, object]], ...] = (
    ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}),
    ("RemoteStartTransaction", {"connectorId": 1, "idTag": "04A2B3C4"}),
    ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "60"}),
    ("GetConfiguration", {"key": ["HeartbeatInterval", "MeterValueSampleInterval"]}),
    ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": _PROFILE}),
    ("Heartbeat", {"currentTime": "2026-01-05T12:00:00.000Z"}),
    ("Authorize", {"idTagInfo": _INFO}),
    ("StartTransaction", {"transactionId": 4711, "idTagInfo": _INFO}),
    ("StatusNotification", {}),
    ("MeterValues", {}),
)
"""CALLs of the Central System, and then what it confirms ours with, by their actions."""

_SAMPLED = [
    {"value": "1234567", "context": "Sample.Periodic", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
    {"value": "11040", "context": "Sample.Periodic", "measurand": "Power.Active.Import", "unit": "W"},
    {"value": "16.0", "context": "Sample.Periodic", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
]
_AT = "2026-01-05T12:00:00.000Z"

SAID: tuple[tuple[type[msgspec.Struct], dict[str, object]], ...] = (
    (core.StatusNotification, {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": _AT}),
    (
        core.MeterValues,
        {"connectorId": 1, "transactionId": 4711, "meterValue": [{"timestamp": _AT, "sampledValue": _SAMPLED}]},
    ),
    (core.StartTransaction, {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 1234567, "timestamp": _AT}),
    (core.Heartbeat, {}),
)
"""CALLs of a charge point."""


def texts() -> list[tuple[str, type[msgspec.Struct]]]:
    """Return what is heard, as frames, with the message that each has to be."""
    found: list[tuple[str, type[msgspec.Struct]]] = []
    for number, (action, payload) in enumerate(HEARD):
        if action in REQUESTS:
            found.append((json.dumps([2, f"{number:036}", action, payload]), REQUESTS[action]))
        else:
            found.append((json.dumps([3, f"{number:036}", payload]), CONFIRMATIONS[action]))
    return found


def read_ours(heard: list[tuple[str, type[msgspec.Struct]]]) -> None:
    """Read frames as a twin does: JSON, the frame's shape, the message with all its bounds."""
    for text, expected in heard:
        parsed = frames.parse(text)
        if isinstance(parsed, frames.Call | frames.Result):
            msgspec.convert(parsed.payload, expected)


def _read_bare(heard: list[tuple[str, type[msgspec.Struct]]]) -> None:
    for text, _ in heard:
        orjson.loads(text)


def _write_ours(said: list[msgspec.Struct]) -> None:
    for message in said:
        frames.call("0" * 36, type(message).__name__, message)


def _write_bare(said: list[tuple[str, dict[str, object]]]) -> None:
    for action, payload in said:
        orjson.dumps([2, "0" * 36, action, payload]).decode()


def _us(work: Callable[[], None], turns: int, messages: int) -> float:
    before = time.process_time()
    for _ in range(turns):
        work()
    return (time.process_time() - before) / turns / messages * 1e6


def main() -> None:
    """Measure and print."""
    turns, heard = int(sys.argv[2]), texts()
    said = [msgspec.convert(payload, message) for message, payload in SAID]
    plain = [(message.__name__, payload) for message, payload in SAID]
    works: dict[str, tuple[Callable[[], None], int]] = {
        "read_us": (partial(read_ours, heard), len(heard)),
        "bare_read_us": (partial(_read_bare, heard), len(heard)),
        "write_us": (partial(_write_ours, said), len(said)),
        "bare_write_us": (partial(_write_bare, plain), len(plain)),
    }
    found = medians({name: partial(_us, work, turns, count) for name, (work, count) in works.items()}, _ROUNDS)
    found["codec_us"] = (found["read_us"] * len(heard) + found["write_us"] * len(said)) / (len(heard) + len(said))
    bare = found["bare_read_us"] * len(heard) + found["bare_write_us"] * len(said)
    print(json.dumps(found | {"bare_codec_us": bare / (len(heard) + len(said))}))


if __name__ == "__main__":
    main()
