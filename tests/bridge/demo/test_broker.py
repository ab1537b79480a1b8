from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import textwrap

import aiomqtt
import psutil
import pytest
from fakes.free import free_port
from fakes.mqtt import Talk

from bridge.demo import broker as broker_module
from bridge.demo.broker import BrokerFailed, broker, choices, mosquitto_program


async def test_what_is_said_is_heard(running_broker):
    assert running_broker.url == f"mqtt://127.0.0.1:{running_broker.port}"
    async with Talk(running_broker.port, "a/+") as talk:
        await talk.say("a/b", {"x": 1})
        assert await talk.hear("a/b") == {"x": 1}


async def test_retained_messages_are_kept(running_broker):
    async with Talk(running_broker.port) as talk:
        await talk.say("a/b", {"x": 1}, retain=True)
    async with Talk(running_broker.port, "a/#") as talk:
        assert await talk.hear("a/b") == {"x": 1}


async def test_a_client_that_is_away_finds_its_messages(running_broker):
    def away():
        return aiomqtt.Client("127.0.0.1", running_broker.port, identifier="away", clean_session=False)

    async with away() as client:
        await client.subscribe("a/#", qos=2)
    async with Talk(running_broker.port) as talk:
        await talk.say("a/b", "1")
        async with away() as client:
            async with asyncio.timeout(5):
                message = await anext(client.messages)
            assert (str(message.topic), message.payload) == ("a/b", b"1")


async def test_it_speaks_the_version_that_it_says(running_broker):
    version = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}[running_broker.protocol]
    async with aiomqtt.Client("127.0.0.1", running_broker.port, protocol=version):
        pass


@pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])
async def test_it_is_quiet_and_ends(tmp_path, kind):
    log = tmp_path / "broker.log"
    async with broker(18830, tmp_path, kind) as running:
        before = log.read_text()
        async with Talk(running.port, "#") as talk:
            await talk.say("a", "1")
            assert await talk.hear("a") == 1
        assert log.read_text() == before
        with socket.create_connection(("127.0.0.1", running.port)) as rude:
            rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
        async with Talk(running.port, "#") as talk:
            await talk.say("b", "2")
            assert await talk.hear("b") == 2
        # Newer releases of Mosquitto have a line for the rude one.
        assert len(log.read_text().removeprefix(before).splitlines()) <= 1
    assert running.process.returncode is not None


@pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])
async def test_somebody_who_was_quicker_is_not_taken_for_it(running_broker, tmp_path, monkeypatch, kind):
    ports = iter([running_broker.port, free_port()])
    monkeypatch.setattr(broker_module, "free_port", lambda _: next(ports))
    folder = tmp_path / "other"
    folder.mkdir()
    async with broker(running_broker.port, folder, kind) as other:
        assert other.port != running_broker.port


async def test_a_taken_port_gives_another(running_broker, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    async with broker(running_broker.port, folder, running_broker.kind) as other:
        assert other.port != running_broker.port


@pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])
async def test_no_broker_is_left_behind_after_kill_9(tmp_path, kind):
    script = f"""
        import asyncio, pathlib
        from bridge.demo.broker import broker
        async def main():
            async with broker(18830, pathlib.Path({str(tmp_path)!r}), {kind!r}) as running:
                print(running.process.pid, flush=True)
                await asyncio.Event().wait()
        asyncio.run(main())
    """
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(script), stdout=asyncio.subprocess.PIPE
    )
    child = psutil.Process(int(await demo.stdout.readline()))
    os.kill(demo.pid, signal.SIGKILL)
    await demo.wait()
    await asyncio.to_thread(child.wait, 5)


async def test_a_broker_that_does_not_start_says_why(tmp_path, monkeypatch):
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\necho one\necho the disk is full\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(BrokerFailed, match=r"\(mosquitto\) does not start: the disk is full"):
        async with broker(18830, tmp_path, "mosquitto"):
            pass
    async with broker(18830, tmp_path) as running:
        assert running.kind == "amqtt"


def test_mosquitto_is_preferred_then_amqtt(monkeypatch, tmp_path):
    assert choices() == ["mosquitto", "amqtt"]
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(broker_module, "MOSQUITTO_FOLDERS", ())
    assert mosquitto_program() is None
    assert choices() == ["amqtt"]
    monkeypatch.setitem(sys.modules, "amqtt", None)
    with pytest.raises(BrokerFailed, match="Install Mosquitto"):
        choices()
