"""The table of codes: when a command is refused or ignored, what that means, and what to do; and the exit codes.

The codes, their order and which of them are told publicly come from the code that refuses; the advice stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.arguments import FAILED, FINE, WRONG
from bridge.refusals import PUBLIC, Code

_SAYS: Mapping[Code, tuple[str, str]] = {
    Code.UNKNOWN_TWIN: (
        "The topic names a twin that there is not; `detail` names the nearest one.",
        "Mind spelling and case: the id, not the identity. `request/list_twins` lists all.",
    ),
    Code.UNKNOWN_EVSE: (
        "The twin has no EVSE of this number.",
        "Numbers begin with 1. The setting `evses` says how many there are.",
    ),
    Code.UNKNOWN_COMMAND: (
        "The topic leads nowhere: no such level, edge or request.",
        "`detail` names the nearest match; [Topics and payloads](mqtt.md) lists all.",
    ),
    Code.TOO_LARGE: ("The payload is longer than `mqtt.max_payload`.", "Send less, or raise the setting."),
    Code.NOT_ALLOWED: (
        "`mqtt.allow` does not name this command.",
        "Add it to the setting, if whoever may publish here may do that.",
    ),
    Code.RATE_LIMITED: (
        "The twin got more commands than `mqtt.rate_limit` allows; this one was not carried out.",
        "Send it again, and slower. For many twins at once there are `set_many` and `cmd_many`.",
    ),
    Code.RETAINED_COMMAND: (
        "An edge or a request had the retain flag: the broker would repeat it at every reconnect.",
        "Publish it without. Delete the retained message: publish an empty one with the retain flag on the same topic.",
    ),
    Code.BAD_JSON: (
        "The payload begins like a JSON object, and is none.",
        "`pointer` and `detail` say where. Mind the shell's quotes: single ones around the whole.",
    ),
    Code.BAD_VALUE: (
        "A value is of the wrong kind, a field is missing, or there is one that nobody knows.",
        "`pointer` says which field, `detail` what is allowed there.",
    ),
    Code.OUT_OF_RANGE: (
        "A number or text is beyond its bounds.",
        "`detail` says the bounds; mind the unit in the name.",
    ),
    Code.DUPLICATE: (
        "The same `request_id` came on the topic within `mqtt.duplicate_window`; the status is `ignored`.",
        "If it was meant anew, give it a new `request_id`.",
    ),
    Code.STALE: (
        "An edge whose `at` is older than `mqtt.stale_after`, or a level older than the last one taken.",
        "Mind the sender's clock, and that `at` is UTC.",
    ),
    Code.STATE_CONFLICT: (
        "A real box could not do that now: an edge without power, `stop` without a session.",
        "`detail` says what is in the way; look at `<n>/state` first.",
    ),
    Code.OFFLINE: (
        "`cmd/call` or `cmd/frame` while the Central System is not connected.",
        "Wait until `connected` in `<twin>/state` is true.",
    ),
    Code.TIMEOUT: (
        "The Central System did not answer the call of `cmd/call` in time.",
        "The key `MessageTimeout` says how long that is.",
    ),
    Code.CALL_ERROR: (
        "The Central System answered the call of `cmd/call` with CallError.",
        "`data` has its code and description.",
    ),
    Code.TEMPLATE_ERROR: (
        "The path or template of an input does not fit its message.",
        "`ocpp-twin map test` shows what it made of it, step by step; `optional: true` takes messages without it.",
    ),
    Code.INTERNAL: (
        "Something failed that should not: a defect of this program.",
        "The log says where. Please report it, with these lines.",
    ),
}

_EXITS: Mapping[int, str] = {
    FINE: "Fine; also after SIGTERM, SIGINT and Ctrl-C.",
    FAILED: "It failed while running, or what was asked for is not so; a sentence on standard error says why.",
    WRONG: "Wrong configuration or usage. To start it again would not mend that: the systemd unit does not try.",
}


def text() -> str:
    """Return the table of codes, in the order in which they are looked for."""
    head = ["| `code` | when | what to do | on `bridge/<node>/error` |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *_rows(), ""])


def exits() -> str:
    """Return the table of exit codes."""
    rows = (f"| {code} | {said} |" for code, said in _EXITS.items())
    return "\n".join(["| exit code | |", "| --- | --- |", *rows, ""])


def _rows() -> Iterator[str]:
    for code in Code:
        when, advice = _SAYS[code]
        yield f"| `{code}` | {when} | {advice} | {'yes' if code in PUBLIC else ''} |"
