import asyncio

import pytest
from fakes.sensors import BenchFleet, Sensors
from msgspec.structs import replace

from twin.model.effects import AuthorizationAsked
from twin.model.inputs import AuthorizationAnswered, PlugIn, PresentToken, SetEvReady, TokenInfo, Unplug
from twin.model.terms import AuthorizationStatus, Status

RULE = {
    "evse": "garage/1",
    "charging": {"above": "200W", "for": "10s"},
    "unplugged": {"below": "5W", "for": "30min"},
}


class Socket(Sensors):
    """Be an EVSE of which only the power is known; `concluded` are the commands that nobody gave."""

    def __init__(self, rule=RULE, fleet=None):
        super().__init__(
            fleet or BenchFleet(), inputs=[{"topic": "meter/power", "to": "garage/1/set/power_w"}], infer=[rule]
        )
        self.fleet.bench.accept()
        self.real.start()

    def draws(self, watts):
        self.say("meter/power", watts)

    @property
    def concluded(self):
        return [type(one) for one in self.commands if isinstance(one, PlugIn | SetEvReady | Unplug)]

    @property
    def status(self):
        return self.fleet.view_of("garage", ("evse", 1)).status

    def authorize(self):
        bench = self.fleet.bench
        self.fleet.command("garage", PresentToken(token="CARD", evse=1), lambda: None)
        asked = bench.reports(AuthorizationAsked)
        if asked:
            bench.answer(asked[-1], AuthorizationAnswered(TokenInfo(AuthorizationStatus.ACCEPTED)))


async def test_power_for_long_enough_means_a_plug():
    socket = Socket()
    socket.draws(7000)
    await asyncio.sleep(9)
    assert socket.concluded == []
    await asyncio.sleep(2)
    assert socket.concluded == [PlugIn]
    assert socket.status is Status.PREPARING


async def test_a_short_draw_means_nothing():
    socket = Socket()
    for _ in range(20):
        socket.draws(7000)
        await asyncio.sleep(9)
        socket.draws(150)
        await asyncio.sleep(1)
    assert socket.concluded == []


async def test_values_between_do_not_start_the_time_anew():
    socket = Socket()
    for watts in (7000, 7100, 6900, 7050):
        socket.draws(watts)
        await asyncio.sleep(3)
    assert socket.concluded == [PlugIn]


async def test_no_power_for_long_enough_means_that_the_plug_is_gone():
    socket = Socket()
    socket.draws(7000)
    await asyncio.sleep(11)
    socket.draws(0)
    await asyncio.sleep(1790)
    assert socket.concluded == [PlugIn]
    socket.draws(1)
    await asyncio.sleep(20)
    assert socket.concluded == [PlugIn, Unplug]
    assert socket.status is Status.AVAILABLE
    socket.draws(0)
    await asyncio.sleep(4000)
    assert socket.concluded == [PlugIn, Unplug], "it is gone already"


async def test_a_car_that_is_full_is_suspended_and_comes_back():
    socket = Socket()
    socket.draws(7000)
    await asyncio.sleep(11)
    socket.authorize()
    assert socket.status is Status.CHARGING
    socket.draws(60)
    await asyncio.sleep(11)
    assert (socket.concluded[-1], socket.status) == (SetEvReady, Status.SUSPENDED_EV)
    socket.draws(150)
    await asyncio.sleep(60)
    assert socket.status is Status.SUSPENDED_EV, "between the two bounds nothing changes"
    socket.draws(3000)
    await asyncio.sleep(11)
    assert socket.status is Status.CHARGING


async def test_a_first_sign_of_a_plug_may_be_small():
    socket = Socket({"evse": "garage/1", "plugged": {"above": "2W", "for": "5s"}, "unplugged": {"below": 1}})
    socket.draws(3)
    await asyncio.sleep(6)
    assert socket.concluded == [PlugIn]


async def test_what_is_simulated_is_no_evidence():
    socket = Socket()
    socket.fleet.command("garage", PlugIn(evse=1), lambda: None)
    await asyncio.sleep(10_000)
    assert socket.concluded == [PlugIn]


@pytest.mark.parametrize("watts", [0, 7000])
async def test_what_the_meter_showed_at_the_start_counts(watts):
    socket = Socket()
    socket.draws(watts)
    socket.real.stop()
    again = Sensors(socket.fleet, infer=[RULE])
    again.real.start()
    await asyncio.sleep(11)
    assert [type(command) for command in again.commands[1:]] == ([PlugIn] if watts else [])


class Limited(BenchFleet):
    """A fleet whose Central System may allow no power at all."""

    forbidden = False

    def view_of(self, twin_id, part):
        view = super().view_of(twin_id, part)
        return replace(view, status=Status.SUSPENDED_EVSE) if self.forbidden and part[0] == "evse" else view

    def allow(self, *, power):
        self.forbidden = not power
        self.listen("garage", {("evse", 1)})


async def test_the_absence_of_power_that_nobody_offers_says_nothing():
    socket = Socket(RULE | {"unplugged": {"below": "60W", "for": "30min"}}, Limited())
    socket.draws(7000)
    await asyncio.sleep(11)
    socket.authorize()
    socket.draws(50)
    socket.fleet.allow(power=False)
    await asyncio.sleep(10_000)
    assert socket.concluded == [PlugIn]
    socket.fleet.allow(power=True)
    await asyncio.sleep(9)
    assert socket.concluded == [PlugIn], "the time begins when power is offered again"
    await asyncio.sleep(2)
    assert socket.concluded == [PlugIn, SetEvReady]
    await asyncio.sleep(1780)
    assert socket.concluded == [PlugIn, SetEvReady]
    await asyncio.sleep(20)
    assert socket.concluded == [PlugIn, SetEvReady, Unplug]


async def test_a_car_that_waits_for_a_card_has_its_time_when_the_session_begins():
    socket = Socket()
    socket.draws(7000)
    await asyncio.sleep(11)
    socket.draws(50)
    await asyncio.sleep(105)
    socket.authorize()
    socket.fleet.listen("garage", {("evse", 1)})
    await asyncio.sleep(9)
    assert socket.status is Status.CHARGING
    await asyncio.sleep(2)
    assert socket.status is Status.SUSPENDED_EV
