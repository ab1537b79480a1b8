"""The charging profiles that a box holds, and which of them count where (OCPP 1.6 §3.13.1, §3.13.2)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from twin.model.plan import Ceiling, Plan
from twin.model.profile import Profile
from twin.model.schedule import Layer
from twin.model.terms import Instant, ProfilePurpose


class Installed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold a profile at an EVSE or (0) the station since an instant of the runtime's clock."""

    evse: int
    profile: Profile
    since: Instant


class Profiles:
    """Hold the installed profiles."""

    __slots__ = ("ahead", "entries", "next_at", "stored")

    def __init__(self, entries: Iterable[Installed] = ()) -> None:
        self.entries = tuple(entries)
        self.next_at: Instant | None = None
        """When the limit of a running session changes next, by the runtime's clock; None: not by itself."""
        self.ahead: dict[int, tuple[Plan, Ceiling, Instant]] = {}
        """A memo of until when a limit holds, by EVSE: it is looked for far ahead, and asked for often."""
        self.stored: bytes | None = None
        """The snapshot's memo of the entries, None since they last changed."""

    def keep(self, entries: Iterable[Installed]) -> None:
        """Hold these from now on."""
        self.entries, self.stored = tuple(entries), None

    def of(self, purpose: ProfilePurpose, evse: int) -> list[Installed]:
        """Return the profiles of a purpose that count at an EVSE, the highest stack level first."""
        here = [one for one in self.entries if one.profile.purpose is purpose and one.evse == evse]
        if purpose is ProfilePurpose.TX_DEFAULT and evse:
            # OCPP 1.6 §3.13.1: one of the EVSE's own takes the place of that for all, level by level (SC-14).
            levels = {one.profile.stack_level for one in here}
            here += [one for one in self.of(purpose, 0) if one.profile.stack_level not in levels]
        return sorted(here, key=lambda one: -one.profile.stack_level)

    def stack(self, purpose: ProfilePurpose, evse: int, began: Instant) -> tuple[Layer, ...]:
        """Return the stack of a purpose for a session that began at an instant of the Central System's clock."""
        return tuple(Layer(one.profile, began) for one in self.of(purpose, evse))

    @property
    def bound_all(self) -> bool:
        """Tell whether the EVSEs share what the station may draw."""
        return any(one.profile.purpose is ProfilePurpose.CHARGE_POINT_MAX for one in self.entries)
