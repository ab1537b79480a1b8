"""What tests of a whole daemon share: a configuration with data of its own, and a Central System that says nothing."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.server import serve as serve_websocket

from config.loading import load


@pytest.fixture
def configured(tmp_path):
    """Make a configuration whose data lie in a temporary folder."""

    def make(text, **changes):
        settings = {"store": {"url": f"sqlite:///{tmp_path}/twins.db"}, "home_assistant": {"enabled": False}} | changes
        files = [tmp_path / "given.yaml", tmp_path / "more.yaml"]
        files[0].write_text(text)
        files[1].write_text(json.dumps(settings))
        return load(files, {})

    return make


class Peer:
    """Be a Central System that answers nothing; `connected` says that a twin spoke, `codes` how they went."""

    def __init__(self):
        self.paths = []
        self.codes = []
        self.connected = asyncio.Event()

    async def __call__(self, socket):
        self.paths.append(socket.request.path)
        await socket.recv()
        self.connected.set()
        await socket.wait_closed()
        self.codes.append(socket.close_code)


@pytest.fixture
async def peer():
    found = Peer()
    async with serve_websocket(found, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:
        found.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
        yield found
