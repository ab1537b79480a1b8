"""What a box remembers, as plain mutable structs: everything here is its snapshot, nothing here decides.

Due times are Instants, None where nothing is due (R3). Energy is in Wh, power in W. Nothing here refers to what holds
it, so the collector of circles need not look at what every box has (`gc=False`), nor carry a header for it.
"""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from twin.model.asked import GetLog, PhysicalRequest, UpdateFirmware
from twin.model.effects import FirmwareReported, LogReported, Reading
from twin.model.profile import Profile
from twin.model.spec import EvSpec
from twin.model.terms import (
    AuthorizationSource,
    AuthorizationStatus,
    BootReason,
    ErrorCode,
    FirmwareOutcome,
    Instant,
    LinkProblem,
    Quantity,
    Registration,
    ResetKind,
    Status,
    StopReason,
    UpdatePhase,
)


class _Nothing(dict[Any, Any]):
    """Be empty for ever: what thousands of boxes have none of, they share."""

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("what all boxes share cannot be changed: assign another dictionary")

    __setitem__ = setdefault = update = __ior__ = _refuse


NOTHING: dict[Any, Any] = _Nothing()


class Register(msgspec.Struct, omit_defaults=True, gc=False):
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


class Growth(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Remember where a real register stood (Wh) when it last grew, and the power that follows from its last step.

    `until` is when it is taken to stand still.
    """

    at: Instant
    wh: float
    power_w: float | None = None
    until: Instant | None = None


class External(msgspec.Struct, omit_defaults=True, gc=False):
    """Hold what real sensors said last, and the offset between the real register and ours (Wh).

    `forced`: nothing is simulated. Otherwise each quantity has its own source: those in `simulated` stay so whatever
    sensors say, those in `awaited` do not flow until one says something, those in `fallback` are simulated while none
    does. `until` is how long values count, `stale` are those older than that. `flow_w` is the power that is shown where
    a real register counts and no sensor measures power.
    """

    values: dict[Quantity, float] = NOTHING
    offset_wh: float = 0.0
    forced: bool = False
    simulated: tuple[Quantity, ...] = ()
    awaited: tuple[Quantity, ...] = ()
    fallback: tuple[Quantity, ...] = ()
    until: dict[Quantity, Instant] = NOTHING
    stale: tuple[Quantity, ...] = ()
    growth: Growth | None = None
    flow_w: float = 0.0

    @property
    def live(self) -> dict[Quantity, float]:
        """Return the values that count now: all but those that are too old and have a fallback."""
        if not self.stale:
            return self.values
        gone = [name for name in self.stale if name in self.fallback]
        return {name: value for name, value in self.values.items() if name not in gone} if gone else self.values

    @property
    def power_w(self) -> float | None:
        """Return the real power: measured, or as the real register grows; None where that is not known."""
        live = self.live
        if Quantity.POWER_W in live:
            return live[Quantity.POWER_W]
        follows = Quantity.ENERGY_WH in live and Quantity.POWER_W not in self.simulated
        return self.growth.power_w if follows and self.growth is not None else None


class Car(msgspec.Struct, omit_defaults=True, gc=False):
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
    profile: Profile | None = None


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remember a card whose fate is open. `evse` is 0 while the shared reader has not picked one.

    `stops` names the session that the card wants to stop; None: it wants to start one.
    """

    id: str
    token: str
    evse: int
    deadline: Instant
    stops: str | None = None
    remote: bool = False
    evses: tuple[int, ...] = ()
    request_id: str | None = None
    profile: Profile | None = None


class Averages(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sum up measured values over time: `latest` holds since `at`, `sums` has value times seconds, and seconds."""

    at: Instant
    latest: dict[str, float]
    sums: dict[str, tuple[float, float]] = {}


class Session(msgspec.Struct, omit_defaults=True, gc=False):
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


class Told(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Remember the status that the Central System was told last."""

    status: Status
    error_code: ErrorCode
    info: str | None = None
    vendor_error_code: str | None = None


class Evse(msgspec.Struct, omit_defaults=True, gc=False):
    """Hold one EVSE, or as number 0 what the station has in common with one: availability, faults, status.

    `updating` (station only): new firmware is about to be installed, so that no session can begin anywhere.
    """

    number: int
    status: Status
    status_at: Instant
    register: Register
    operative: bool = True
    scheduled: bool = False
    updating: bool = False
    faults: dict[str, Fault] = NOTHING
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
    averages: Averages | None = None

    @property
    def ev_name(self) -> str | None:
        """Return the name of the simulated car, `custom` for a nameless one, None where there is none."""
        return None if self.car is None else self.car.spec.name


class Reservation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Keep an EVSE, or (0) any one, free for a token; `until` is on the Central System's clock."""

    id: int
    evse: int
    token: str
    until: Instant
    parent: str | None = None


class FirmwareJob(msgspec.Struct, omit_defaults=True):
    """Remember a firmware update that is under way.

    `job_id` is that of the try to fetch the image which runs, `tries` counts those begun; `due_at` is when the next
    one is due (None: at once), or when the phase is over. `known`: the Central System took the last step's message.
    `then` is an order that came when this one could no more be given up.
    """

    order: UpdateFirmware
    phase: UpdatePhase = UpdatePhase.WAITING
    job_id: str | None = None
    tries: int = 0
    due_at: Instant | None = None
    version: str | None = None
    known: bool = False
    then: UpdateFirmware | None = None


class UploadJob(msgspec.Struct, omit_defaults=True):
    """Remember an upload of a log that is under way. `job_id`, `tries` and `due_at` are as in `FirmwareJob`."""

    order: GetLog
    file_name: str
    job_id: str | None = None
    tries: int = 0
    due_at: Instant | None = None


class Station(msgspec.Struct, omit_defaults=True, gc=False):
    """Hold what belongs to the box as a whole and survives a restart of the program.

    `cause` is the request id of the command for which the box connects or boots next.
    `resetting`: sessions were ended, the reboot waits until the Central System knows, `reboot_at` at the latest;
    `reset_tries` counts how often it failed. `started`: the box was switched on before. `firmware_told` and
    `log_told` are the last steps that were told; `next_version` is what the next image brings.
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
    started: bool = False
    reset_fails: bool = False
    reset_tries: int = 0
    reservations: list[Reservation] = []
    firmware: FirmwareJob | None = None
    firmware_version: str | None = None
    firmware_outcome: FirmwareOutcome = FirmwareOutcome.OK
    firmware_told: FirmwareReported | None = None
    next_version: str | None = None
    upload: UploadJob | None = None
    log_told: LogReported | None = None


class Pending(msgspec.Struct, frozen=True):
    """Remember a request whose answer waits, until `due_at`, for a real thing to do what it asks at an EVSE.

    `session_id` names the session that it is about.
    """

    request: PhysicalRequest
    evse: int
    due_at: Instant
    session_id: str | None = None


class Connection(msgspec.Struct, gc=False):
    """Hold what a restart of the program begins anew: the registration and the present connection.

    `asks_lost`: there are cards whose questions were under way when the program ended. `refused` is why the last try to
    connect failed, `trusted` are the roots by which the Central System could prove itself, and `server` is its
    certificate (DER) where there are several; `use_fallback` takes the old ones for the next try (M05.FR.13).
    `on_trial`: it was opened with something that has yet to prove itself. `renewal` counts how often the password was
    set. `csr_told`: the Central System has yet to answer the request for a certificate. `pending` are requests that
    are not answered yet, by the ids of their jobs. `misheard_at` and `exhausted_at` are when security events of these
    kinds were noted last.
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
    refused: LinkProblem | None = None
    trusted: tuple[str, ...] = ()
    server: bytes | None = None
    use_fallback: bool = False
    on_trial: bool = False
    renewal: int = 0
    csr_told: bool = False
    pending: dict[str, Pending] = NOTHING
    misheard_at: Instant | None = None
    exhausted_at: Instant | None = None


class CacheEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remember a verdict of the Central System on a card."""

    status: AuthorizationStatus
    parent: str | None = None
    expires_at: Instant | None = None
