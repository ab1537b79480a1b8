import asyncio
from itertools import pairwise

import pytest
import trustme
from fakes.scripted import stored
from fakes.tls import written
from fakes.virtual import settle
from fakes.world import spec
from structlog.testing import capture_logs

from twin.model.spec import Access, CsmsSpec
from twin.model.terms import LinkProblem
from twin.turn import Frame, Turn

URL = "ws://central/ocpp/garage"


def heard(world, kind, twin_id="garage"):
    return [what for what in world.cast[twin_id].heard if what[0] == kind]


async def command(fleet, world, turn, twin_id="garage"):
    world.cast[twin_id].next.append(turn)
    fleet.command(twin_id, "command", lambda: None)
    await settle()


async def test_t_01_a_twin_connects_and_its_station_learns_it(world):
    async with world.open("garage"):
        assert heard(world, "link_up") == [("link_up", URL)]
        assert world.network.last.target.subprotocols == ("ocpp1.6",)


async def test_a_twin_that_wants_no_link_gets_none(world):
    world.cast._prepare = lambda station: setattr(station, "wants_link", False)
    async with world.open("garage"):
        await asyncio.sleep(100)
        assert world.network.attempts == []


@pytest.mark.parametrize("reason", ["closed normally (1000)", "connection reset"])
async def test_after_every_kind_of_loss_it_reconnects(world, reason):
    async with world.open("garage"):
        world.network.last.says("hello")
        world.network.last.break_off(reason)
        assert heard(world, "link_down") == [("link_down", reason)]
        await asyncio.sleep(2.9)
        assert len(world.network.connections) == 1
        await asyncio.sleep(1.1)
        assert len(heard(world, "link_up")) == 2


async def test_t_05_t_06_delays_grow_up_to_their_maximum_and_it_never_gives_up(world):
    async with world.open("garage"):
        world.network.refuse("connection refused")
        world.network.last.break_off()
        await asyncio.sleep(3600)
        times = [at for at, _ in world.network.attempts[1:]]
        delays = [later - earlier for earlier, later in pairwise(times)]
        assert 6.0 <= delays[0] <= 7.8
        assert 12.0 <= delays[1] <= 15.6
        assert all(60.0 / 1.3 - 0.1 <= delay <= 60.1 for delay in delays[6:])
        assert len(delays) > 55


async def test_t_06_twins_do_not_come_back_all_at_the_same_time(world):
    ids = [f"t{number}" for number in range(20)]
    async with world.open(*ids):
        for connection in world.network.connections:
            connection.break_off()
        await asyncio.sleep(5)
        times = {at for at, _ in world.network.attempts[20:]}
        assert len(times) == 20


async def test_a_central_system_that_takes_us_and_throws_us_out_is_not_hammered(world):
    world.network.on_connect = lambda connection: asyncio.get_running_loop().call_later(0.1, connection.break_off)
    async with world.open("garage"):
        await asyncio.sleep(600)
        assert len(world.network.attempts) < 20


async def test_after_a_connection_that_was_used_delays_begin_anew(world):
    async with world.open("garage"):
        world.network.refuse("connection refused")
        world.network.last.break_off()
        await asyncio.sleep(600)
        world.network.refuse(None)
        await asyncio.sleep(60)
        world.network.last.says("hello")
        world.network.last.break_off()
        before = len(world.network.attempts)
        await asyncio.sleep(4)
        assert len(world.network.attempts) == before + 1


async def test_why_it_cannot_connect_is_told_once_until_it_changes(world):
    world.network.refuse("connection refused")
    async with world.open("garage"):
        await asyncio.sleep(600)
        assert world.listener.notes() == [("disconnected", {"url": URL, "reason": "connection refused"})]
        world.network.refuse("HTTP 401")
        await asyncio.sleep(600)
        assert [fields["reason"] for _, fields in world.listener.notes()] == ["connection refused", "HTTP 401"]


async def test_a_url_that_cannot_work_is_told_without_its_secrets(world):
    odd = spec(csms=spec().csms.__class__(url="ws://user:secret@central/ocpp"))
    async with world.open(odd):
        ((name, fields),) = world.listener.notes()
        assert (name, fields["url"]) == ("disconnected", "ws://central/ocpp")


async def test_a_mistake_while_dialling_stays_with_that_twin(world):
    world.network.refusal = ZeroDivisionError("oops")
    with capture_logs() as logs:
        async with world.open("garage"):
            world.network.refuse(None)
            await asyncio.sleep(5)
            assert world.cast["garage"].connected
    assert [line["event"] for line in logs] == ["twin_failed"]


async def test_a_cut_breaks_the_connection_and_a_restored_link_connects_at_once(world):
    async with world.open("garage") as fleet:
        world.cast["garage"].wants_link = False
        await command(fleet, world, Turn(power=False))
        assert world.network.last.ended[0] == "abort"
        assert len(heard(world, "link_down")) == 1
        await asyncio.sleep(600)
        assert len(world.network.attempts) == 1
        world.cast["garage"].wants_link = True
        await command(fleet, world, Turn(power=True))
        assert len(heard(world, "link_up")) == 2


async def test_a_cut_ends_an_attempt_that_is_under_way(world):
    world.network.delay_s = 10.0
    async with world.open("garage") as fleet:
        world.cast["garage"].wants_link = False
        await command(fleet, world, Turn(power=False))
        await asyncio.sleep(60)
        assert world.network.connections == []
        world.cast["garage"].wants_link = True
        await command(fleet, world, Turn(power=True))
        await asyncio.sleep(11)
        assert len(world.network.connections) == 1


async def test_a_cut_and_restored_link_in_one_moment_is_one_loss(world):
    async with world.open("garage") as fleet:
        world.cast["garage"].next.extend([Turn(power=False), Turn(power=True)])
        fleet.command("garage", "off", lambda: None)
        fleet.command("garage", "on", lambda: None)
        await settle()
        assert [what[0] for what in world.cast["garage"].heard if "link" in what[0]] == [
            "link_up",
            "link_down",
            "link_up",
        ]
        await asyncio.sleep(600)
        assert len(world.network.attempts) == 2


async def test_a_dropped_connection_comes_back_at_once(world):
    async with world.open("garage") as fleet:
        before = asyncio.get_running_loop().time()
        await command(fleet, world, Turn(drop="the user pulled it"))
        assert heard(world, "link_down") == [("link_down", "the user pulled it")]
        assert len(heard(world, "link_up")) == 2
        assert asyncio.get_running_loop().time() == before


async def test_pings_follow_the_station(world):
    world.cast._prepare = lambda station: setattr(station, "ping_interval_s", 30)
    async with world.open("garage") as fleet:
        assert world.network.last.ping_s == 30
        world.cast["garage"].ping_interval_s = 5
        await command(fleet, world, stored())
        assert world.network.last.ping_s == 5
        world.network.last.due = asyncio.get_running_loop().time() + 5
        await command(fleet, world, Turn())
        await asyncio.sleep(6)
        assert len(world.network.last.ticks) == 1


PASSWORDS = [Access(1, b"0123456789abcdef"), Access(1, b"\xff" * 20)]


@pytest.mark.parametrize("access", PASSWORDS)
async def test_sec_08_a_new_password_is_used_at_once_after_the_answer_is_out(world, access):
    async with world.open("garage") as fleet:
        assert world.network.last.target.password is None
        world.store.held = True
        world.cast["garage"].access = access
        await command(fleet, world, stored(frames=[Frame("the answer", None)]))
        assert world.network.last.ended is None
        world.store.release()
        await settle()
        old, new = world.network.connections
        assert (old.sent, old.ended[:2]) == (["the answer"], ("close", 1000))
        assert new.target.password == access.password
        await asyncio.sleep(600)
        assert len(world.network.attempts) == 2


@pytest.mark.parametrize("access", [Access(1), Access(0, key="f00d", chain="PEM")])
async def test_sec_12_sec_16_other_proofs_of_identity_mean_another_connection(world, access):
    async with world.open("garage") as fleet:
        world.cast["garage"].access = access
        await command(fleet, world, stored())
        assert len(world.network.connections) == 2


async def test_other_roots_count_from_the_next_connection_on(world):
    async with world.open("garage") as fleet:
        world.cast["garage"].access = Access(roots=())
        await command(fleet, world, stored())
        assert len(world.network.connections) == 1


async def test_what_changed_while_it_dialled_does_not_pass_for_what_it_dialled_with(world):
    world.network.delay_s = 10.0
    async with world.open("garage"):
        world.cast["garage"].access = Access(1, b"new")
        await asyncio.sleep(15)
        assert heard(world, "link_up") == []
        assert world.network.connections[0].ended[:2] == ("close", 1000)
        await asyncio.sleep(10)
        assert world.network.last.target.password == b"new"
        assert len(heard(world, "link_up")) == 1


async def test_after_a_change_delays_begin_anew(world):
    async with world.open("garage") as fleet:
        world.network.refuse("connection refused")
        world.network.last.break_off()
        await asyncio.sleep(600)
        world.network.refuse(None)
        await asyncio.sleep(60)
        world.network.last.says("hello")
        world.network.refuse("HTTP 401")
        world.cast["garage"].access = Access(1, b"new")
        await command(fleet, world, stored())
        before = len(world.network.attempts)
        await asyncio.sleep(4)
        assert len(world.network.attempts) == before + 1


async def test_sec_23_the_station_learns_of_every_attempt_that_failed(world):
    world.network.refuse("HTTP 401", LinkProblem.UNAUTHORIZED)
    async with world.open("garage"):
        await asyncio.sleep(20)
        told = heard(world, "link_refused")
        assert told == [("link_refused", URL, "HTTP 401", LinkProblem.UNAUTHORIZED)] * 3
        assert len(world.network.attempts) == 3


async def test_a_station_may_want_no_link_after_a_refusal(world):
    def prepare(station):
        def give_up(event, now):
            station.wants_link = False
            return Turn(power=False)

        station.link_refused = give_up

    world.network.refuse("connection refused")
    world.cast._prepare = prepare
    async with world.open("garage"):
        await asyncio.sleep(600)
        assert len(world.network.attempts) == 1


async def test_after_a_refusal_the_station_may_fall_back_to_what_worked(world):
    world.network.refuse("no TLS")
    async with world.open("garage"):
        world.cast["garage"].access = Access(0, b"old")
        world.network.refuse(None)
        await asyncio.sleep(5)
        assert world.network.last.target.password == b"old"


async def test_thousands_of_twins_share_a_tls_context(world, tmp_path):
    ca_file = written(tmp_path / "ca.pem", trustme.CA().cert_pem)
    csms = CsmsSpec("wss://central/ocpp", ca_file=ca_file)
    async with world.open(*(spec(f"t{number}", csms=csms) for number in range(1000))):
        await asyncio.sleep(60)
        assert len(world.network.connections) == 1000
        assert len({id(connection.target.ssl) for connection in world.network.connections}) == 1
