"""What a box remembers, as plain mutable structs: everything here is its snapshot, nothing here decides.

Due times are Instants, None where nothing is due (R3). Energy is in Wh, power in W.
"""

from __future__ import annotations

import msgspec

from twin.model.effects import Reading
from twin.model.spec import EvSpec
from twin.model.terms import (
    AuthorizationSource,
    AuthorizationStatus,
    BootReason,
    ErrorCode,
    Instant,
    Quantity,
    Registration,
    ResetKind,
    Status,
    StopReason,
)


class Register(msgspec.Struct, omit_defaults=True):
    """Count energy that only grows: `wh` at the instant `at`, and since then `rate_w`.

    A register is a function of time, so it need not be stored while it runs.
    """

    at: Instant
    wh: float = 0.0
    rate_w: float = 0.0

    def read(self, now: Instant) -> float:
        """Return the energy in Wh at an instant."""
        return self.wh + self.rate_w * max(0.0, now - self.at) / 3600.0

    def run(self, now: Instant, rate_w: float) -> None:
        """Go on at another power."""
        if rate_w != self.rate_w:
            self.wh, self.at, self.rate_w = self.read(now), max(now, self.at), rate_w

    def when(self, wh: float) -> Instant | None:
        """Return when this energy is reached, None for never."""
        return self.at + (wh - self.wh) * 3600.0 / self.rate_w if self.rate_w > 0 else None


class External(msgspec.Struct, omit_defaults=True):
    """Hold what real sensors said last, and the offset between the real register and ours (Wh)."""

    values: dict[Quantity, float] = {}
    offset_wh: float = 0.0
    forced: bool = False


class Car(msgspec.Struct, omit_defaults=True):
    """Hold the simulated car at the cable: its state of charge in percent when the register stood at `from_wh`."""

    spec: EvSpec
    soc_pct: float | None = None
    from_wh: float = 0.0


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remember something that is broken. `blocking`: nothing can be charged meanwhile."""

    code: ErrorCode
    blocking: bool
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remember that somebody may charge and nothing was plugged in yet; `evses` limits where (empty: anywhere)."""

    token: str
    source: AuthorizationSource
    parent: str | None = None
    evses: tuple[int, ...] = ()
    request_id: str | None = None


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remember a card whose fate is open. `evse` is 0 while the shared reader has not picked one.

    `stops` names the session that the card wants to stop; None: it wants to start one.
    """

    id: str
    token: str
    evse: int
    asked_at: Instant
    deadline: Instant
    stops: str | None = None
    remote: bool = False
    evses: tuple[int, ...] = ()
    request_id: str | None = None


class Session(msgspec.Struct, omit_defaults=True):
    """Remember a charging session, running or (as the last one) over.

    `transaction_id` is the Central System's, None until it is known.
    """

    id: str
    token: str
    started_at: Instant
    meter_start_wh: int
    transaction_id: int | None = None
    parent: str | None = None
    source: AuthorizationSource = AuthorizationSource.CENTRAL_SYSTEM
    request_id: str | None = None
    begin: Reading | None = None
    readings: list[Reading] = []
    next_sample_at: Instant | None = None
    sample_base_wh: float = 0.0
    invalid_cap_wh: float | None = None
    suspended: bool = False
    ended_at: Instant | None = None
    meter_stop_wh: int | None = None
    reason: StopReason | None = None


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remember the status that the Central System was told last."""

    status: Status
    error_code: ErrorCode
    info: str | None = None
    vendor_error_code: str | None = None


class Evse(msgspec.Struct, omit_defaults=True):
    """Hold one EVSE, or as number 0 what the station has in common with one: availability, faults, status."""

    number: int
    status: Status
    status_at: Instant
    register: Register
    operative: bool = True
    scheduled: bool = False
    faults: dict[str, Fault] = {}
    info: str | None = None
    told: Told | None = None
    tell_at: Instant | None = None
    plugged: bool = False
    plugged_at: Instant = 0.0
    cable: bool = False
    locked: bool = False
    lock_jammed: bool = False
    ev_ready: bool = True
    finishing: bool = False
    attempt_ends_at: Instant | None = None
    grant: Grant | None = None
    keeper: str | None = None
    keeper_parent: str | None = None
    session: Session | None = None
    last: Session | None = None
    car: Car | None = None
    external: External = msgspec.field(default_factory=External)
    aligned_base_wh: float = 0.0

    @property
    def ev_name(self) -> str | None:
        """Return the name of the simulated car, `custom` for a nameless one, None where there is none."""
        return None if self.car is None else self.car.spec.name


class Station(msgspec.Struct, omit_defaults=True):
    """Hold what belongs to the box as a whole and survives a restart of the program.

    `cause` is the request id of the command for which the box connects or boots next.
    `resetting`: sessions were ended, the reboot waits until the Central System knows, `reboot_at` at the latest.
    """

    powered: bool = True
    network: bool = True
    door_open: bool = False
    clock_offset_s: float = 0.0
    ever_accepted: bool = False
    last_heartbeat_at: Instant | None = None
    asks: list[Ask] = []
    resetting: ResetKind | None = None
    reboot_at: Instant | None = None
    up_at: Instant | None = None
    boot_reason: BootReason = BootReason.POWER_UP
    awaited_stops: list[str] = []
    cause: str | None = None


class Connection(msgspec.Struct):
    """Hold what a restart of the program begins anew: the registration and the present connection.

    `asks_lost`: there are cards whose questions were under way when the program ended.
    """

    registration: Registration | None = None
    up: bool = False
    url: str = ""
    since: Instant | None = None
    booted_here: bool = False
    asks_lost: bool = False
    boot_told: bool = False
    boot_at: Instant | None = None
    next_heartbeat_at: Instant | None = None
    next_aligned_at: Instant | None = None


class CacheEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remember a verdict of the Central System on a card."""

    status: AuthorizationStatus
    parent: str | None = None
    expires_at: Instant | None = None
