import asyncio

from fakes.scripted import stored
from fakes.virtual import settle

from twin.model.effects import Note
from twin.store.port import Receipt
from twin.turn import Frame, Turn

PART = ("evse", 1)


def turn_with_everything():
    return stored(frames=[Frame("frame", "Heartbeat")], changed={PART}, notes=[Note("plugged", {}, 1.0)])


async def test_nothing_leaves_before_it_is_stored_and_then_in_order(world):
    async with world.open("garage") as fleet:
        world.listener.traced = ("garage",)
        world.store.held = True
        world.cast["garage"].next.append(turn_with_everything())
        world.listener.heard.clear()
        fleet.command("garage", "plug", lambda: world.listener.heard.append("done"))
        await settle()
        assert (world.network.last.sent, world.listener.heard) == ([], [])
        world.store.release()
        assert world.network.last.sent == ["frame"]
        assert world.listener.heard == [
            ("frame", "garage", "sent", Frame("frame", "Heartbeat")),
            "done",
            ("noted", "garage", "plugged", {}),
            ("changed", "garage", frozenset({PART})),
        ]
        assert world.store.twins["garage"]["part"] == b"1"


async def test_a_turn_without_rows_waits_for_those_before_it(world):
    async with world.open("garage", "office") as fleet:
        world.store.held = True
        world.cast["garage"].next.extend([stored(frames=[Frame("1", None)]), Turn(frames=[Frame("2", None)])])
        fleet.command("garage", "plug", lambda: None)
        fleet.command("garage", "look", lambda: None)
        world.cast["office"].next.append(Turn(frames=[Frame("3", None)]))
        fleet.command("office", "look", lambda: None)
        garage, office = world.network.connections
        assert (garage.sent, office.sent) == ([], ["3"])
        await settle()
        world.store.release()
        assert garage.sent == ["1", "2"]


async def test_a_receipt_is_stored_with_its_command(world):
    receipt = Receipt("garage", "garage/cmd/swipe", "r1", 1.0, b"null")
    async with world.open("garage") as fleet:
        world.store.held = True
        done = []
        fleet.command("garage", "swipe", lambda: done.append(True), receipt)
        await settle()
        assert done == []
        world.store.release()
        assert done == [True]
        assert list(world.store.receipts.values()) == [receipt]


async def test_a_frame_does_not_go_out_on_a_later_connection(world):
    async with world.open("garage") as fleet:
        world.store.held = True
        world.cast["garage"].next.append(stored(frames=[Frame("old", None)]))
        fleet.command("garage", "plug", lambda: None)
        await settle()
        world.network.last.says("hello")
        world.network.last.break_off()
        await asyncio.sleep(10)
        assert len(world.network.connections) == 2
        world.store.release()
        await settle()
        assert [connection.sent for connection in world.network.connections] == [[], []]


async def test_when_the_store_is_lost_nothing_goes_out_any_more(world):
    async with world.open("garage") as fleet:
        world.store.failing = True
        world.cast["garage"].next.append(turn_with_everything())
        world.listener.heard.clear()
        done = []
        fleet.command("garage", "plug", lambda: done.append(True))
        await settle()
        world.network.last.says("hello")
        await settle()
        assert world.listener.heard == [("failed", "the disk is full")]
        assert (done, world.network.last.sent) == ([], [])


async def test_notes_are_counted(world):
    async with world.open("garage") as fleet:
        notes = [Note(name, {}, 1.0) for name in ("protocol_error", "message_dropped", "message_dropped", "plugged")]
        world.cast["garage"].next.append(Turn(notes=notes))
        fleet.command("garage", "plug", lambda: None)
        await settle()
        assert (fleet.counters.protocol_errors_total, fleet.counters.dropped_total) == (1, 2)
