"""The local authorization list: cards that the Central System wants known without asking (OCPP 1.6 §3.5.2, §5.15)."""

from __future__ import annotations

from twin.model import authority, service, status
from twin.model.asked import GetLocalListVersion, ListEntry, SendLocalList
from twin.model.box import Box, Step
from twin.model.effects import Answered, VersionAnswered
from twin.model.inputs import TokenInfo
from twin.model.state import CacheEntry, Fault
from twin.model.terms import ErrorCode

CONFLICT = "local_list_conflict"
"""The id of the warning that the list and the Central System disagree."""


def send(step: Step, request: SendLocalList) -> None:
    """Replace or change the list, whole or not at all."""
    box = step.box
    word, entries = _checked(box, request)
    step.reply(request.request_ref, Answered(word))
    if entries is None:
        return
    box.local_list.replace(request.version, entries)
    step.changed(0)
    settle(step)


def _checked(box: Box, request: SendLocalList) -> tuple[str, dict[str, CacheEntry] | None]:
    """Return the answer, and with Accepted the list as it would be."""
    if request.version <= 0:  # LL-06, errata 3.52: 0 and -1 mean something else
        return "Failed", None
    if not request.full and request.version <= box.local_list.version:  # LL-04
        return "VersionMismatch", None
    entries = _updated(box, request)
    return ("Failed", None) if entries is None else ("Accepted", entries)


def _updated(box: Box, request: SendLocalList) -> dict[str, CacheEntry] | None:
    """Return the list after an update, None where that breaks a rule (LL-03, LL-05, LL-07)."""
    variables = box.variables
    changes = {entry.token.casefold(): entry for entry in request.entries}
    if len(changes) < len(request.entries):
        return None
    if len(changes) > variables.integer("LocalAuthListCtrlr.ItemsPerMessage"):
        return None
    if request.full and any(entry.status is None for entry in request.entries):
        return None
    entries = {} if request.full else dict(box.local_list.entries)
    for token, change in changes.items():
        kept = _entry(change)
        if kept is None:
            entries.pop(token, None)
        else:
            entries[token] = kept
    return entries if len(entries) <= variables.integer("LocalAuthListCtrlr.Entries") else None


def _entry(change: ListEntry) -> CacheEntry | None:
    return None if change.status is None else CacheEntry(change.status, change.parent, change.expires_at)


def version(step: Step, request: GetLocalListVersion) -> None:
    """Tell the list's version; without the use of a list there is none (LL-01)."""
    in_use = step.box.variables.flag("LocalAuthListCtrlr.Enabled")
    step.reply(request.request_ref, VersionAnswered(step.box.local_list.version if in_use else -1))


# --- When the Central System says otherwise ---------------------------------------------------------------------------


def compare(step: Step, token: str, info: TokenInfo) -> None:
    """Warn where a verdict contradicts the list; the list stays as it is (OCPP 1.6 §3.5.2; S-14, A-23).

    ConcurrentTx is a valid card's status in list and verdict alike. The warning stands until the Central System
    sends the list anew, or the list is not used any more.
    """
    entry = authority.listed(step, token)
    if entry is None or authority.is_valid(entry.status) == authority.is_valid(info.status):
        return
    common = step.box.common
    if CONFLICT in common.faults:
        if step.box.online:
            status.tell(step, common)  # another conflict under the same warning
    else:
        service.set_fault(step, common, CONFLICT, Fault(ErrorCode.LOCAL_LIST_CONFLICT, blocking=False))


def settle(step: Step) -> None:
    """Take the warning back: what it was about has changed."""
    if CONFLICT in step.box.common.faults:
        service.clear_fault(step, step.box.common, CONFLICT)
