"""A fleet that only remembers what it was told: `taken` holds commands in order, commits wait while `held`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.ports import CallOutcome, Receipt
from twin.errors import Rejected
from twin.fleet import Tally
from twin.model.inputs import Command
from twin.model.spec import EvseSpec, TwinSpec
from twin.model.terms import ErrorCode, LimitSource, MeterSource, Part, Registration, Status
from twin.model.view import (
    EvseFigures,
    EvseView,
    LimitView,
    MeterView,
    PartView,
    SessionView,
    StationView,
    TwinFigures,
    TwinView,
)

STATION = StationView(
    identity="CP 1",
    ocpp_version="1.6",
    csms_url="ws://user:secret@localhost:9000/ocpp/CP%201",
    connected=True,
    connected_at=1_700_000_000.0,
    registration=Registration.ACCEPTED,
    status=Status.AVAILABLE,
    error_code=ErrorCode.NO_ERROR,
    queued_messages=0,
    last_heartbeat_at=None,
    vendor="Acme",
    model="Wall 11",
    serial_number=None,
    firmware_version="1.0",
    firmware_status=None,
    diagnostics_status=None,
    local_list_version=0,
    security_profile=0,
    powered=True,
    network=True,
    door_open=False,
)
EVSE = EvseView(
    status=Status.AVAILABLE,
    error_code=ErrorCode.NO_ERROR,
    error_info=None,
    status_at=1_700_000_000.0,
    plugged=False,
    ev_ready=True,
    locked=False,
    available=True,
    charging=False,
    id_tag=None,
    authorized=False,
    transaction_id=None,
    session_id=None,
    reservation_id=None,
    reserved_for=None,
    reserved_until=None,
    ev=None,
    meter_source=MeterSource.SIMULATED,
)
METER = MeterView(
    at=1_700_000_000.0,
    power_w=0.0,
    energy_wh=1234.5678,
    current_a=0.0,
    current_l1_a=None,
    current_l2_a=None,
    current_l3_a=None,
    voltage_l1_v=230.0,
    voltage_l2_v=None,
    voltage_l3_v=None,
    frequency_hz=50.0,
    power_factor=None,
    soc_pct=None,
    temperature_c=None,
    stale=False,
)
LIMIT = LimitView(
    allowed=False, limit_a=0.0, limit_w=0.0, phases=3, source=LimitSource.HARDWARE, profile_id=None, until=None
)


@dataclass
class FakeCounters:
    ocpp_in_total: int = 3
    ocpp_out_total: int = 4
    protocol_errors_total: int = 1
    dropped_total: int = 2
    store_commit_ms: float = 1.23456
    connected: int = 1
    charging: int = 0
    queued_messages: int = 7


@dataclass
class FakeFleet:
    """`twins`: ids and how many EVSEs each has. `refusal`: what every input is refused with. `broken`: it raises.

    `heard` is called after each command.
    """

    twins: dict[str, int] = field(default_factory=lambda: {"garage": 1, "office": 2})
    refusal: Rejected | None = None
    broken: bool = False
    held: bool = False
    heard: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.taken: list[tuple[str, Command]] = []
        self.receipts: list[Receipt] = []
        self.calls: list[tuple[str, str, Any]] = []
        self.frames: list[tuple[str, str]] = []
        self.restarted: list[str] = []
        self.outcome: CallOutcome | None = CallOutcome("", "ok", {"status": "Accepted"})
        self.counters = FakeCounters()
        self.tally = Tally()
        self.views: dict[tuple[str, Part], PartView] = {}
        self.waiting: list[Callable[[], None]] = []
        self.calling: list[Callable[[CallOutcome], None]] = []

    @property
    def ids(self) -> dict[str, int]:
        return self.twins

    def evse_count(self, twin_id: str) -> int:
        return self.twins[twin_id]

    def spec(self, twin_id: str) -> TwinSpec:
        return TwinSpec(id=twin_id, identity=twin_id, evses=(EvseSpec(),) * self.twins[twin_id])

    def command(self, twin_id: str, command: Command, done: Callable[[], None], receipt: Receipt | None = None) -> None:
        self._refuse()
        self.taken.append((twin_id, command))
        self.heard()
        if receipt is not None:
            self.receipts.append(receipt)
        self._commit(done)

    def call(self, twin_id: str, action: str, payload: Any, done: Callable[[CallOutcome], None]) -> None:
        self._refuse()
        self.calls.append((twin_id, action, payload))
        if self.outcome is None:
            self.calling.append(done)
        else:
            done(self.outcome)

    def send_raw(self, twin_id: str, text: str, done: Callable[[], None]) -> None:
        self._refuse()
        self.frames.append((twin_id, text))
        self._commit(done)

    def restart(self, twin_id: str, done: Callable[[], None]) -> None:
        self._refuse()
        self.restarted.append(twin_id)
        self._commit(done)

    def remember(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)

    def view(self, twin_id: str) -> TwinView:
        numbers = range(1, self.twins[twin_id] + 1)

        def parts(kind: Any) -> Any:
            return tuple(self.view_of(twin_id, (kind, number)) for number in numbers)

        station = self.view_of(twin_id, ("station", 0))
        return TwinView(station, parts("evse"), parts("meter"), parts("limit"), parts("session"))  # type: ignore[arg-type]

    def view_of(self, twin_id: str, part: Part) -> PartView:
        if self.broken:
            raise RuntimeError("broken on purpose")
        usual = {"station": STATION, "evse": EVSE, "meter": METER, "limit": LIMIT, "session": SessionView()}
        return self.views.get((twin_id, part), usual[part[0]])

    def figures(self, twin_id: str) -> TwinFigures:
        if twin_id not in self.twins:
            raise Rejected("unknown_twin", f"There is no charge point {twin_id!r}")
        view = self.view(twin_id)
        evses = [
            EvseFigures(evse.status, evse.charging, meter.power_w, meter.energy_wh, meter.stale)
            for evse, meter in zip(view.evses, view.meters, strict=True)
        ]
        station = view.station
        return TwinFigures(station.connected, station.registration, station.queued_messages, evses)

    def release(self) -> None:
        self.held = False
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done()

    def _commit(self, done: Callable[[], None]) -> None:
        self.waiting.append(done)
        if not self.held:
            self.release()

    def _refuse(self) -> None:
        if self.broken:
            raise RuntimeError("broken on purpose")
        if self.refusal is not None:
            raise self.refusal
