from __future__ import annotations

import asyncio

import pytest
from fakes.fleet import FakeFleet

from bridge.asking import CmdMany, SetMany
from bridge.levels import Levels
from bridge.limits import RateLimit
from bridge.many import Crowd
from bridge.options import MqttOptions
from bridge.refusals import Code, Refused
from twin.errors import Rejected
from twin.model import inputs

LOT = {f"lot-{number}": 1 + number % 2 for number in range(120)}


class Scene:
    def __init__(self, twins=None, **options):
        self.fleet = FakeFleet(dict(twins or LOT))
        self.levels = Levels()
        options = MqttOptions(**options)
        limit = RateLimit(options.rate_per_s, options.rate_burst)
        self.crowd = Crowd(options, self.fleet, self.levels, limit, lambda: 1_700_000_000.0)

    async def send(self, query):
        found = asyncio.get_running_loop().create_future()
        self.crowd.send(query, found.set_result)
        return await found


async def test_a_level_for_all_that_a_glob_means():
    scene = Scene()
    result = await scene.send(SetMany(ids="lot-1*", evse=1, level="plugged", value=True, request_id="r"))
    assert result == {"matched": 31, "ok": 31, "refused": []}
    assert {command for _, command in scene.fleet.taken} == {inputs.PlugIn(evse=1, request_id="r")}
    assert scene.levels.is_stale("lot-1/1/set/plugged", 1.0)


async def test_who_refuses_is_named_with_the_code():
    scene = Scene({"a": 1, "b": 2})
    result = await scene.send(CmdMany(ids=["a", "b", "c"], evse=2, command="swipe", value="CARD"))
    assert result == {
        "matched": 2,
        "ok": 1,
        "refused": [{"id": "c", "code": "unknown_twin"}, {"id": "a", "code": "unknown_evse"}],
    }
    scene.fleet.refusal = Rejected("state_conflict", "no")
    assert (await scene.send(CmdMany(ids="b", evse=1, command="stop")))["refused"] == [
        {"id": "b", "code": "state_conflict"}
    ]


async def test_nobody_is_meant():
    assert await Scene().send(SetMany(ids="x*", level="network", value="OFF")) == {"matched": 0, "ok": 0, "refused": []}


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        (SetMany(ids="*", level="plugged", value=True), Code.UNKNOWN_COMMAND, "/evse"),
        (SetMany(ids="*", evse=1, level="network", value=True), Code.UNKNOWN_COMMAND, "/evse"),
        (SetMany(ids="*", evse=1, level="power_w", value="much"), Code.BAD_VALUE, "/value"),
        (SetMany(ids="*", evse=1, level="soc_pct", value=101), Code.OUT_OF_RANGE, "/value"),
        (SetMany(ids="*", evse=1, level="plugged", value=True, colour="red"), Code.BAD_VALUE, "/colour"),
    ],
)
async def test_what_is_wrong_for_everybody_is_refused_at_once(query, code, pointer):
    scene = Scene()
    with pytest.raises(Refused) as caught:
        await scene.send(query)
    assert (caught.value.code, caught.value.pointer, scene.fleet.taken) == (code, pointer, [])


async def test_the_allow_list_counts_here_too():
    scene = Scene(allow=("request/*", "set/*"))
    with pytest.raises(Refused) as caught:
        await scene.send(CmdMany(ids="*", evse=1, command="swipe", value="CARD"))
    assert caught.value.code is Code.NOT_ALLOWED


async def test_a_twin_takes_no_more_this_way_than_by_single_messages():
    scene = Scene({"a": 1}, rate_per_s=1, rate_burst=1)
    query = SetMany(ids="a", evse=1, level="power_w", value=1)
    assert (await scene.send(query))["ok"] == 1
    assert (await scene.send(query))["refused"] == [{"id": "a", "code": "rate_limited"}]


async def test_an_edge_that_is_old_and_a_level_that_is_older_than_the_last_one():
    scene = Scene({"a": 1})
    old = 1_600_000_000
    assert (await scene.send(CmdMany(ids="a", evse=1, command="swipe", value="C", at=old)))["refused"] == [
        {"id": "a", "code": "stale"}
    ]
    await scene.send(SetMany(ids="a", evse=1, level="power_w", value=1))
    assert (await scene.send(SetMany(ids="a", evse=1, level="power_w", value=1, at=old)))["refused"] == [
        {"id": "a", "code": "stale"}
    ]


async def test_calls_count_by_what_the_central_system_answered():
    scene = Scene({"a": 1, "b": 1})
    query = CmdMany(ids="*", command="call", action="Heartbeat", payload={})
    assert await scene.send(query) == {"matched": 2, "ok": 2, "refused": []}


async def test_thousands_are_sent_in_slices():
    scene = Scene({f"t{number}": 1 for number in range(1000)})
    turns = 0

    async def others():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(others())
    assert (await scene.send(SetMany(ids="*", evse=1, level="ev_ready", value=False)))["ok"] == 1000
    task.cancel()
    assert turns >= 10
