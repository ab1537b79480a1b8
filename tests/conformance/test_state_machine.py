"""Anything may happen to a twin, in any order: the invariants that hold all the same.

The judge watches every frame (one call in flight, unique ids, schemas, the status matrix, the boot gate, exactly one
answer). On top of it, after every step: a refusal changes nothing (the driver looks), no register falls, what is
shown agrees with itself, and at the end every session is told: started once, ended once, in order.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import msgspec
from fakes.central_system import CallError, CentralSystem, Garbage, Hold, Later, spec
from fakes.judge import instant, iso
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from twin.errors import Rejected
from twin.model import inputs
from twin.model.spec import EvseSpec, OnRestart
from twin.model.terms import ErrorCode, MeterSource, Quantity, ResetKind, StopReason

EVSES = 2
REGISTER = "Energy.Active.Import.Register"
TAGS = ["A", "a", "B", "BAD", "PARENT", "x" * 20]
KEYS = {
    "MeterValueSampleInterval": "60",
    "TransactionMessageRetryInterval": "10",
    "ConnectionTimeOut": "60",
    "HeartbeatInterval": "120",
    "StopTxnSampledData": "Energy.Active.Import.Register",
}
evses = st.integers(1, EVSES)
connectors = st.one_of(st.integers(0, EVSES), st.sampled_from([-1, 3, 10**9]))
tags = st.sampled_from(TAGS)
words = st.text(max_size=20)

commands = st.one_of(
    st.builds(inputs.PlugIn, evse=evses),
    st.builds(inputs.PlugIn, evse=evses),
    st.builds(inputs.Unplug, evse=evses),
    st.builds(inputs.SetEvReady, evse=evses, ready=st.booleans()),
    st.builds(
        inputs.ReportMeter,
        evse=evses,
        values=st.dictionaries(st.sampled_from(list(Quantity)), st.floats(0, 5000), max_size=3),
    ),
    st.builds(inputs.UseMeterSource, evse=evses, source=st.sampled_from([MeterSource.SIMULATED, MeterSource.EXTERNAL])),
    st.builds(
        inputs.SetFault,
        evse=st.integers(0, EVSES),
        code=st.sampled_from(list(ErrorCode)),
        fault_id=st.sampled_from(["", "f"]),
    ),
    st.builds(inputs.ClearFault, evse=st.integers(0, EVSES), fault_id=st.sampled_from([None, "", "f"])),
    st.builds(inputs.JamLock, evse=evses, jammed=st.booleans()),
    st.builds(inputs.SetPowered, powered=st.booleans()),
    st.builds(inputs.SetNetwork, network=st.booleans()),
    st.builds(inputs.SetDoorOpen, open=st.booleans()),
    st.builds(inputs.PresentToken, token=tags, evse=st.sampled_from([None, 1, 1, 2])),
    st.builds(inputs.PresentToken, token=tags, evse=evses),
    st.builds(inputs.PressStop, evse=evses, reason=st.sampled_from(list(StopReason))),
    st.builds(inputs.EmergencyStop, evse=st.sampled_from([None, 1, 2])),
    st.builds(inputs.UnplugEvSide, evse=evses),
    st.builds(inputs.PressReset, kind=st.sampled_from(list(ResetKind))),
    st.just(inputs.DropLink()),
    st.just(inputs.Boot()),
)

id_tag_infos = st.fixed_dictionaries(
    {"status": st.sampled_from(["Accepted", "Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"])},
    optional={"parentIdTag": st.sampled_from(["PARENT", "parent", "Q"])},
)
list_entries = st.fixed_dictionaries({"idTag": tags}, optional={"idTagInfo": id_tag_infos})

requests = st.one_of(
    st.tuples(
        st.just("ChangeAvailability"),
        st.fixed_dictionaries({"connectorId": connectors, "type": st.sampled_from(["Operative", "Inoperative"])}),
    ),
    st.tuples(
        st.just("ChangeConfiguration"),
        st.fixed_dictionaries(
            {
                "key": st.sampled_from(
                    [
                        "MeterValueSampleInterval",
                        "ClockAlignedDataInterval",
                        "HeartbeatInterval",
                        "TransactionMessageAttempts",
                        "ConnectionTimeOut",
                        "StopTransactionOnInvalidId",
                        "StopTransactionOnEVSideDisconnect",
                        "LocalPreAuthorize",
                        "LocalAuthorizeOffline",
                        "AllowOfflineTxForUnknownId",
                        "AuthorizationCacheEnabled",
                        "LocalAuthListEnabled",
                        "UnlockConnectorOnEVSideDisconnect",
                        "AuthorizeRemoteTxRequests",
                        "MaxEnergyOnInvalidId",
                        "StopTxnAlignedData",
                        "MeterValuesSampledData",
                    ]
                ),
                "value": st.one_of(
                    st.sampled_from(
                        ["true", "false", "0", "30", "300", "", "Voltage", "Energy.Active.Import.Register"]
                    ),
                    words,
                ),
            }
        ),
    ),
    st.tuples(st.just("ClearCache"), st.just({})),
    st.tuples(st.just("CancelReservation"), st.fixed_dictionaries({"reservationId": st.integers(1, 3)})),
    st.tuples(st.just("GetLocalListVersion"), st.just({})),
    st.tuples(
        st.just("SendLocalList"),
        st.fixed_dictionaries(
            {"listVersion": st.integers(-1, 5), "updateType": st.sampled_from(["Full", "Differential"])},
            optional={"localAuthorizationList": st.lists(list_entries, max_size=3)},
        ),
    ),
    st.tuples(st.just("DataTransfer"), st.fixed_dictionaries({"vendorId": words})),
    st.tuples(st.just("GetConfiguration"), st.fixed_dictionaries({"key": st.lists(words, max_size=3)})),
    st.tuples(
        st.just("RemoteStartTransaction"),
        st.fixed_dictionaries({"idTag": tags}, optional={"connectorId": connectors}),
    ),
    st.tuples(st.just("RemoteStopTransaction"), st.fixed_dictionaries({"transactionId": st.integers(-1, 8)})),
    st.tuples(st.just("Reset"), st.fixed_dictionaries({"type": st.sampled_from(["Soft", "Hard"])})),
    st.tuples(
        st.just("TriggerMessage"),
        st.fixed_dictionaries(
            {
                "requestedMessage": st.sampled_from(
                    ["BootNotification", "Heartbeat", "MeterValues", "StatusNotification"]
                )
            },
            optional={"connectorId": connectors},
        ),
    ),
    st.tuples(st.just("UnlockConnector"), st.fixed_dictionaries({"connectorId": connectors})),
    st.tuples(words, st.just({})),
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
answers = st.one_of(
    st.tuples(
        st.sampled_from(
            ["Authorize", "StartTransaction", "StopTransaction", "StatusNotification", "MeterValues", "Heartbeat"]
        ),
        st.one_of(
            st.just(Hold()),
            st.just(CallError("InternalError")),
            st.builds(Later, seconds=st.floats(0.1, 60)),
            st.builds(lambda value: Garbage('[3,"{id}",' + json.dumps(value) + "]"), json_values),
        ),
    ),
    st.tuples(st.just("Authorize"), st.fixed_dictionaries({"idTagInfo": id_tag_infos})),
    st.tuples(
        st.just("StartTransaction"),
        st.fixed_dictionaries({"transactionId": st.integers(-1000, 0), "idTagInfo": id_tag_infos}),
    ),
    st.tuples(st.just("StopTransaction"), st.fixed_dictionaries({"idTagInfo": id_tag_infos})),
    st.tuples(st.just("BootNotification"), st.sampled_from([Hold(), CallError("GenericError"), "Pending", "Rejected"])),
)


class AnyDay(RuleBasedStateMachine):
    """Drive one twin with two EVSEs."""

    def __init__(self) -> None:
        super().__init__()
        self.cs: CentralSystem
        self.registers = [0.0] * EVSES
        self.sessions: dict[str, tuple[int, str]] = {}

    @initialize(
        on_restart=st.sampled_from(list(OnRestart)),
        lock=st.booleans(),
        online=st.booleans(),
        offline_unknown=st.booleans(),
    )
    def install(self, on_restart: OnRestart, lock: bool, online: bool, offline_unknown: bool) -> None:
        keys = KEYS | {"AllowOfflineTxForUnknownId": str(offline_unknown).lower()}
        outlets = tuple(EvseSpec(lock=lock, meter_start_wh=1e6 * number) for number in range(EVSES))
        box = msgspec.structs.replace(spec(EVSES, keys, on_restart=on_restart), evses=outlets)
        self.cs = CentralSystem(box, linked=online, boot_interval=0)
        self.cs.tags["BAD"] = {"status": "Blocked"}
        self.cs.tags |= {tag: {"status": "Accepted", "parentIdTag": "PARENT"} for tag in ("A", "B")}

    @rule(command=commands)
    def somebody_does_something(self, command: Any) -> None:
        try:
            self.cs.command(command)
        except Rejected as refusal:
            code = refusal.code
        else:
            code = None
        assert code in {None, "state_conflict", "bad_value", "out_of_range"}

    @rule(evse=evses, tag=tags)
    def somebody_charges(self, evse: int, tag: str) -> None:
        for command in (inputs.PlugIn(evse=evse), inputs.PresentToken(token=tag, evse=evse)):
            self.somebody_does_something(command)

    @rule(evse=evses, tag=st.sampled_from(["A", "B"]), seconds=st.floats(1, 4000))
    def a_car_charges_for_a_while(self, evse: int, tag: str, seconds: float) -> None:
        self.somebody_charges(evse, tag)
        self.cs.advance(seconds)

    @rule(action=st.sampled_from(["StartTransaction", "StopTransaction", "MeterValues"]), times=st.integers(2, 4))
    def central_system_is_ill(self, action: str, times: int) -> None:
        self.cs.script(action, *[CallError("InternalError")] * times)

    @precondition(lambda self: self.cs.link)
    @rule(request=requests)
    def central_system_asks(self, request: tuple[str, dict[str, Any]]) -> None:
        action, payload = request
        excused = self.cs.judge.registration == "Rejected" or self.cs.crash_next is not None
        message_id = self.cs.call(action, payload)
        reply = self.cs.replies.get(message_id)
        if action == "TriggerMessage" and (reply is None or reply.payload != {"status": "Accepted"}):
            self.cs.judge.triggered.clear()
        assert excused or message_id in self.cs.replies, f"T-23: {action} {payload} was not answered"

    @precondition(lambda self: self.cs.link)
    @rule(
        connector=connectors,
        tag=tags,
        parent=st.sampled_from([None, None, "Parent"]),
        number=st.integers(1, 3),
        seconds=st.one_of(st.floats(-5, 200), st.sampled_from([60.0, 4000.0])),
    )
    def central_system_reserves(
        self, connector: int, tag: str, parent: str | None, number: int, seconds: float
    ) -> None:
        payload = {"connectorId": connector, "idTag": tag, "reservationId": number}
        payload |= {"expiryDate": iso(self.cs.now + seconds)} | ({} if parent is None else {"parentIdTag": parent})
        self.central_system_asks(("ReserveNow", payload))

    @precondition(lambda self: self.cs.link)
    @rule(value=json_values)
    def central_system_talks_nonsense(self, value: Any) -> None:
        self.cs.judge.called("-1", "Reset")  # an id that could not be read
        if isinstance(value, list) and len(value) > 1 and isinstance(value[1], str):
            self.cs.judge.called(value[1], "Reset")
        self.cs.say(json.dumps(value))
        for message_id in list(self.cs.judge._to_answer):
            del self.cs.judge._to_answer[message_id]

    @rule(answer=answers)
    def script_an_answer(self, answer: tuple[str, Any]) -> None:
        action, what = answer
        if what in ("Pending", "Rejected"):
            self.cs.script(action, lambda _: self.cs.boot_answer(what, 30))
        else:
            self.cs.script(action, what)

    @precondition(lambda self: self.cs.held and self.cs.link)
    @rule(data=st.data(), answer=st.sampled_from([None, CallError("InternalError"), Garbage('[3,"{id}",5]')]))
    def late_answer(self, data: Any, answer: Any) -> None:
        self.cs.release(answer, data.draw(st.integers(0, len(self.cs.held) - 1)))

    @precondition(lambda self: self.cs.link and any(call.connection == self.cs.connection for call in self.cs.received))
    @rule(data=st.data(), payload=st.one_of(st.just({}), st.just({"idTagInfo": {"status": "Blocked"}}), json_values))
    def duplicate_answer(self, data: Any, payload: Any) -> None:
        waiting = {call.id for call in self.cs.held}
        if self.cs.judge._in_flight is not None:
            waiting.add(self.cs.judge._in_flight[0])
        done = [c.id for c in self.cs.received if c.connection == self.cs.connection and c.id not in waiting]
        if done:
            self.cs.say(json.dumps([3, data.draw(st.sampled_from(done)), payload]))

    @rule(seconds=st.one_of(st.floats(0.001, 5), st.floats(5, 100), st.sampled_from([30.0, 60.0, 61.0, 3600.0])))
    def time_passes(self, seconds: float) -> None:
        self.cs.advance(seconds)

    @rule(seconds=st.sampled_from([0.5, 45.0, 4000.0]))
    def machine_sleeps(self, seconds: float) -> None:
        self.cs.oversleep(seconds)

    @rule(back=st.booleans())
    def link_breaks(self, back: bool) -> None:
        self.cs.cut()
        if back:
            self.cs.restore()

    @rule()
    def link_returns(self) -> None:
        self.cs.restore()

    @rule(downtime=st.sampled_from([0.0, 0.0, 10.0, 1000.0]))
    def restart(self, downtime: float) -> None:
        self.cs.crash(downtime)

    @rule(where=st.sampled_from(["before_store", "after_store"]))
    def crash_at_the_next_step(self, where: Any) -> None:
        self.cs.crash_next = where

    @invariant()
    def no_two_things_happen_at_the_same_time(self) -> None:
        if hasattr(self, "cs"):
            self.cs.advance(0.05)

    @invariant()
    def registers_never_fall(self) -> None:
        if not hasattr(self, "cs") or self.cs.crash_next:
            return
        view = self.cs.station.view(self.cs.now)
        for number, meter in enumerate(view.meters):
            # A crash may lose what was metered since the last row.
            assert self.cs.starts > 1 or meter.energy_wh >= self.registers[number] - 1e-6
            self.registers[number] = meter.energy_wh

    @invariant()
    def what_is_shown_agrees(self) -> None:
        if not hasattr(self, "cs"):
            return
        view = self.cs.station.view(self.cs.now)
        for evse, session, limit in zip(view.evses, view.sessions, view.limits, strict=True):
            if evse.status in {"Charging", "SuspendedEV", "SuspendedEVSE"}:
                assert session.active, f"{evse.status} without a session"
            if evse.status in {"Available", "Preparing", "Finishing", "Unavailable"}:
                assert not session.active or not view.station.powered, f"a session while {evse.status}"
            kept = evse.reservation_id is not None
            assert kept or evse.status != "Reserved", "Reserved for nobody"
            assert not kept or evse.status in {"Reserved", "Preparing"}, f"{evse.status} and yet reserved"
            if evse.charging:
                assert evse.plugged
                assert session.active
                assert view.station.powered
                assert limit.allowed
            assert session.active or session.session_id is None or session.ended_at is not None
            if session.energy_wh is not None:
                assert session.energy_wh >= -1e-6
        assert self.cs.station.connected == self.cs.link
        assert self.cs.station.queued == view.station.queued_messages

    @invariant()
    def a_queue_and_a_free_lane_means_work_is_due(self) -> None:
        if not hasattr(self, "cs") or not self.cs.link or not self.cs.station.queued:
            return
        in_flight = self.cs.judge._in_flight is not None
        deadline = self.cs.station.next_deadline()
        assert in_flight or deadline is not None, "a message waits for nothing"

    def teardown(self) -> None:
        if not hasattr(self, "cs"):
            return
        cs = self.cs
        cs.answers.clear()
        cs.crash_next = None
        for command in (inputs.SetPowered(powered=True), inputs.SetNetwork(network=True)):
            self.somebody_does_something(command)
        cs.restore()
        cs.advance(10_000)
        for evse in range(1, EVSES + 1):
            if cs.station.view(cs.now).sessions[evse - 1].active:
                cs.command(inputs.PressStop(evse=evse))
        cs.advance(10_000)
        assert cs.station.view(cs.now).station.registration == "Accepted"
        assert cs.station.queued == 0, "X-20: the queue does not drain"
        assert not cs.rows.reports
        check_the_books(cs)


def check_the_books(cs: CentralSystem) -> None:
    """Hold what the Central System was told of transactions against X-01, X-10, X-26 and V-17."""
    starts: dict[tuple[Any, ...], dict[str, Any]] = {}
    stops: dict[tuple[Any, ...], dict[str, Any]] = {}
    for call in cs.received:
        if call.action == "StartTransaction":
            key = (call["connectorId"], call["timestamp"], call["meterStart"])
            assert starts.setdefault(key, call.payload) == call.payload, "X-26: a resend differs"
        if call.action == "StopTransaction":
            key = (call["transactionId"], call["timestamp"], call["meterStop"])
            assert stops.setdefault(key, call.payload) == call.payload, "X-26: a resend differs"
    assert len(starts) == len(stops), f"{len(starts)} sessions started, {len(stops)} ended"
    for number in range(1, EVSES + 1):
        told = sorted(registers(cs, number))
        for (at, earlier), (later_at, later) in itertools.pairwise(told):
            assert later >= earlier - 1.01, f"V-17: {earlier} Wh at {at}, then {later} Wh at {later_at}"


def registers(cs: CentralSystem, connector: int) -> Iterator[tuple[float, float]]:
    """Give every energy register that the Central System was told of, with its time."""
    connectors: dict[int, int] = {}
    for call in cs.received:
        if call.action == "StartTransaction" and call["connectorId"] == connector:
            yield instant(call["timestamp"]), call["meterStart"]
        if call.action != "MeterValues" or call["connectorId"] != connector:
            continue
        for element in call["meterValue"]:
            for sample in element["sampledValue"]:
                if sample.get("measurand", REGISTER) == REGISTER:
                    yield instant(element["timestamp"]), float(sample["value"])
    for call, number in cs.given:
        connectors[number] = call["connectorId"]
    for call in cs.sent("StopTransaction"):
        if call["transactionId"] > 0 and connectors.get(call["transactionId"]) == connector:
            yield instant(call["timestamp"]), call["meterStop"]


AnyDay.TestCase.settings = settings(
    max_examples=80,
    stateful_step_count=50,
    report_multiple_bugs=False,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestAnyDay = AnyDay.TestCase
