from __future__ import annotations

import asyncio
import select
import socket

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bridge import packets
from bridge.stream import Stream, was_reset


class Heard:
    """Take down what a stream tells."""

    def __init__(self):
        self.messages = []
        self.confirmations = []
        self.writes = 0

    def arrived(self, message):
        self.messages.append(message)

    def confirmed(self, mid, code):
        self.confirmations.append((mid, code))

    def written(self):
        self.writes += 1

    def broke(self, error):
        raise error


class Line(paho.Client):
    """Be a client whose socket is the other end of `theirs`, as if it had connected."""

    def __init__(self):
        super().__init__(CallbackAPIVersion.VERSION2)
        self.theirs, ours = socket.socketpair()
        ours.setblocking(False)
        self._sock = ours

    def close(self):
        self._sock.close()
        self._sock = None
        self.theirs.close()


async def test_what_is_put_in_one_turn_is_written_together():
    line, heard = Line(), Heard()
    stream = Stream(line, heard, mqtt5=False)
    one = packets.publish(b"a", b"1", 0, qos=0, retain=False, properties=b"")
    stream.put(one)
    stream.put(one)
    await asyncio.sleep(0)
    assert heard.writes == 1
    assert line.theirs.recv(100) == one + one
    line.close()


async def test_what_was_put_can_be_written_at_once():
    line, heard = Line(), Heard()
    stream = Stream(line, heard, mqtt5=False)
    stream.put(packets.puback(7))
    stream.flush()
    assert line.theirs.recv(100) == b"\x40\x02\x00\x07"
    await asyncio.sleep(0)
    assert heard.writes == 1
    line.close()


async def test_confirmations_and_messages_come_in_large_pieces_and_in_order():
    line, heard = Line(), Heard()
    Stream(line, heard, mqtt5=False)
    message = packets.publish(b"a/topic", b"1", 7, qos=1, retain=False, properties=b"")
    line.theirs.send(b"\x40\x02\x00\x05" + message + message)
    line.loop_read()
    assert heard.confirmations == [(5, 0)]
    assert heard.messages == []  # not within the call
    await asyncio.sleep(0)
    assert [(one.topic, one.payload, one.mid) for one in heard.messages] == [("a/topic", b"1", 7)] * 2
    line.close()


async def test_nothing_is_acknowledged_before_it_was_taken():
    line, heard = Line(), Heard()
    Stream(line, heard, mqtt5=False)
    line.theirs.send(packets.publish(b"a/topic", b"1", 7, qos=1, retain=False, properties=b""))
    line.loop_read()
    await asyncio.sleep(0)
    assert not select.select([line.theirs], [], [], 0)[0]
    heard.messages[0].acknowledge()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert line.theirs.recv(100) == b"\x40\x02\x00\x07"
    line.close()


def test_only_a_broken_connection_was_reset():
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as ours:
        ours.connect(listening.getsockname())
        theirs, _ = listening.accept()
        assert not was_reset(ours.fileno())
        ours.send(b"unread")
        theirs.send(b"last words")
        assert not was_reset(ours.fileno())
        select.select([theirs], [], [], 10)
        theirs.close()
        assert was_reset(ours.fileno())
