from __future__ import annotations

import asyncio
import select
import socket

import aiomqtt
import pytest
import uvloop

from bridge.broker import broker
from bridge.options import MqttOptions
from bridge.ports import Outgoing
from bridge.session import Session

CONNACK = b"\x20\x02\x00\x00"
PINGRESP = b"\xd0\x00"


async def broken_by_the_broker():
    """Connect, and have the broker break the connection with something of ours unread; return why it was lost."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        options = MqttOptions(url=f"mqtt://127.0.0.1:{listening.getsockname()[1]}", protocol="3.1.1")
        session = Session(
            *(broker(options), options, None),
            will=aiomqtt.Will("gone"),
            mqtt5=False,
            arrived=lambda _: None,
            freed=lambda: None,
        )
        entering = asyncio.create_task(session.enter())
        line, _ = await loop.sock_accept(listening)
        await loop.sock_recv(line, 1000)
        await loop.sock_sendall(line, CONNACK)
        await entering
        session.send(Outgoing("a/topic", b"never read", 0, retain=False))
        await asyncio.to_thread(select.select, [line], [], [], 10)
        # In one turn of the loop: what is left to read comes together with the end.
        line.send(PINGRESP)
        line.close()
        try:
            return await asyncio.wait_for(session.lost(), 10)
        finally:
            session.abort()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_connection_that_the_broker_broke_is_lost_whatever_the_loop(run):
    assert isinstance(run(broken_by_the_broker()), OSError | aiomqtt.MqttError)
