"""A real, headless Home Assistant in a process of its own, set up and used over HTTP and WebSocket as by a browser."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from fakes.record import Record
from websockets.asyncio.client import ClientConnection, connect

START_S = 120
PATIENCE_S = 45

_LOUD = re.compile(r" (WARNING|ERROR|CRITICAL) \(")
_NOT_OURS = (
    "Skipping pip installation",
    "zlib_ng and isal are not available",
    "libturbojpeg",
    "FFmpeg",
    "assist_pipeline",  # needs packages that have to be compiled
    # Of a broker that a test ends.
    "Disconnected from MQTT server",
    "Failed to connect to MQTT server",
    "Error returned from MQTT server",
    "[paho.mqtt.client] failed to receive on socket",
)


class HomeAssistant:
    """Run in a folder, as an async context manager; `start` sets up a person and the broker at its first time.

    Without `broker_port` somebody else has to set up the broker. `configuration` may not have the section `http`.
    """

    def __init__(
        self, python: Path, folder: Path, broker_port: int | None = None, configuration: str | None = None
    ) -> None:
        self.folder = folder
        self.lines: Record[str] = Record()
        self._python = python
        self._broker_port = broker_port
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._token = ""
        self._numbers = itertools.count(1)
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._news = asyncio.Event()
        self._socket: ClientConnection
        folder.mkdir(exist_ok=True)
        (folder / "configuration.yaml").write_text((configuration or _CONFIGURATION) + _HTTP.format(port=self.port))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self.stop()

    async def start(self) -> None:
        """Start it; return when it is up and takes commands."""
        mark = len(self.lines)
        self._process = await asyncio.create_subprocess_exec(
            *(str(self._python), "-c", _RUN, "-c", str(self.folder), "--skip-pip", "--verbose"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._tasks = [asyncio.create_task(self._read(self._process), name="Home Assistant's log")]
        await self.until_said("Home Assistant initialized", after=mark)
        first = not self._token
        if first:
            self._token = await asyncio.to_thread(self._onboard)
        await self._open()
        if first:
            self._token = await self.ask("auth/long_lived_access_token", client_name="test", lifespan=1)
            if self._broker_port is not None:
                await asyncio.to_thread(self._set_up_mqtt)

    async def stop(self) -> None:
        """End it politely."""
        process = self._process
        assert process is not None
        self._process = None
        process.terminate()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await self._socket.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- What a person does and sees ----------------------------------------------------------------------------------

    async def ask(self, kind: str, **fields: Any) -> Any:
        """Send a WebSocket command and return its result."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "type": kind, **fields}))
        async with asyncio.timeout(PATIENCE_S):
            found = await answer
        assert found["success"], found
        return found["result"]

    async def call(self, action: str, entity_id: str, **data: Any) -> None:
        """Call an action such as `switch.turn_on` for an entity."""
        domain, service = action.split(".")
        target = {"entity_id": entity_id}
        await self.ask("call_service", domain=domain, service=service, service_data=data, target=target)

    async def until_said(self, text: str, *, after: int = 0) -> None:
        """Wait for a line of its log that has this text."""
        async with asyncio.timeout(START_S):
            while not any(text in line for line in self.lines.since(after)):
                assert self._process is None or self._process.returncode is None, "\n".join(self.lines.since(after))
                self._news.clear()
                await self._news.wait()

    async def states(self) -> dict[str, dict[str, Any]]:
        return {state["entity_id"]: state for state in await self.ask("get_states")}

    async def until(self, entity_id: str, wanted: str | Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the state of an entity as soon as it is the wanted one."""

        def good(states: dict[str, dict[str, Any]]) -> bool:
            state = states.get(entity_id)
            if state is None:
                return False
            return state["state"] == wanted if isinstance(wanted, str) else wanted(state)

        return (await self.until_all(good, f"{entity_id} {wanted}"))[entity_id]

    async def until_all(
        self, good: Callable[[dict[str, dict[str, Any]]], bool], what: str
    ) -> dict[str, dict[str, Any]]:
        """Return all states as soon as they are good."""
        states: dict[str, dict[str, Any]] = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self._news.clear()
                    states = await self.states()
                    if good(states):
                        return states
                    await self._news.wait()
        except TimeoutError:
            shown = "\n".join(f"  {name}: {state['state']}" for name, state in sorted(states.items()))
            raise AssertionError(f"waited in vain for {what} in\n{shown}\n{self.complaints()}") from None

    async def entities(self) -> dict[str, dict[str, Any]]:
        """Return what is registered of MQTT's entities, by unique_id; none may be there twice."""
        listed = [one for one in await self.ask("config/entity_registry/list") if one["platform"] == "mqtt"]
        full = await self.ask("config/entity_registry/get_entries", entity_ids=[one["entity_id"] for one in listed])
        there = [one for one in full.values() if one is not None]  # None: it went in between
        found = {one["unique_id"]: one for one in there}
        assert len(found) == len(there)
        return found

    async def devices(self) -> dict[str, dict[str, Any]]:
        """Return MQTT's devices, by name."""
        listed = await self.ask("config/device_registry/list")
        return {one["name"]: one for one in listed if any(kind == "mqtt" for kind, _ in one["identifiers"])}

    async def until_registered(self, good: Callable[[dict[str, dict[str, Any]]], bool], what: str) -> None:
        """Wait until the registered entities are good."""
        found: dict[str, dict[str, Any]] = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self._news.clear()
                    found = await self.entities()
                    if good(found):
                        return
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what} in\n{sorted(found)}\n{self.complaints()}") from None

    def complaints(self, allowed: Iterable[str] = ()) -> list[str]:
        """Return the warnings and errors of the log that are not of its own making."""
        known = (*_NOT_OURS, *allowed)
        return [line for line in self.lines if _LOUD.search(line) and not any(text in line for text in known)]

    # --- The wires ----------------------------------------------------------------------------------------------------

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.lines.add(line.decode().rstrip("\n"))
            self._news.set()
        await process.wait()
        self._news.set()

    async def _open(self) -> None:
        self._socket = await connect(f"ws://127.0.0.1:{self.port}/api/websocket", max_size=None)
        assert json.loads(await self._socket.recv())["type"] == "auth_required"
        await self._socket.send(json.dumps({"type": "auth", "access_token": self._token}))
        assert json.loads(await self._socket.recv())["type"] == "auth_ok"
        self._numbers = itertools.count(1)
        self._tasks.append(asyncio.create_task(self._listen(), name="Home Assistant's answers"))
        for event in ("state_changed", "entity_registry_updated", "device_registry_updated"):
            await self.ask("subscribe_events", event_type=event)

    async def _listen(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if message["type"] == "result":
                self._waiting.pop(message["id"]).set_result(message)
            else:
                self._news.set()

    def _onboard(self) -> str:
        client = f"http://127.0.0.1:{self.port}/"
        person = {"name": "P", "username": "p", "password": "secret", "language": "en", "client_id": client}
        code = self._post("/api/onboarding/users", person)["auth_code"]
        grant = {"grant_type": "authorization_code", "code": code, "client_id": client}
        token: str = self._post("/auth/token", urllib.parse.urlencode(grant).encode())["access_token"]
        return token

    def _set_up_mqtt(self) -> None:
        flow = self._post("/api/config/config_entries/flow", {"handler": "mqtt"})
        where: dict[str, Any] = {"broker": "127.0.0.1", "port": self._broker_port}
        if any(field["name"] == "other_settings" for field in flow["data_schema"]):  # newer releases; as a page fills it
            where["other_settings"] = {"set_client_cert": False, "set_ca_cert": "off"}
        done = self._post(f"/api/config/config_entries/flow/{flow['flow_id']}", where)
        assert done["type"] == "create_entry", done

    def _post(self, path: str, body: dict[str, Any] | bytes) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if isinstance(body, dict):
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)


_RUN = """
import sys
from homeassistant import const
const.REQUIRED_PYTHON_VER = (3, 13, 0)  # some releases insist on 3.13.2, and run on 3.13.0
from homeassistant.__main__ import main
sys.exit(main())
"""

_CONFIGURATION = """
homeassistant:
  name: Test
  time_zone: UTC
  country: DE
  currency: EUR
config:
"""
_HTTP = """
http:
  server_host: 127.0.0.1
  server_port: {port}
"""
