"""The real Node-RED as a process of its own, with a user folder that nobody used before.

Flows are imported, and their buttons pressed, over its admin API; what its editor would show under the nodes and in the
debug sidebar is heard on its WebSocket.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fakes.free import free_port
from fakes.record import PATIENCE_S, Record
from websockets.asyncio.client import ClientConnection, connect

CACHE = Path(__file__).parents[2] / ".cache/node-red"
MISSING = "Node-RED is not installed for the tests; `make test` installs it, or says how: .ci/node-red"

Node = dict[str, Any]
Flow = list[Node]

# No tours, no catalogue and no news from outside: what is tested is what was installed.
_SETTINGS = """module.exports = {
    uiHost: "127.0.0.1",
    flowFile: "flows.json",
    credentialSecret: false,
    telemetry: {enabled: false, updateNotification: false},
    editorTheme: {tours: false, projects: {enabled: false}, palette: {catalogues: []}},
};
"""
_LINE = re.compile(r"^\d+ \w+ \d\d:\d\d:\d\d - \[(\w+)\] (.*)")


@dataclass(frozen=True, slots=True)
class Shown:
    """Be something that the editor would show: `kind` is `debug` or `status`, `text` what it reads."""

    kind: str
    node: str
    text: str


class NodeRed:
    """Run it as an async context manager; `url` is the editor's, `log` has its lines by level.

    With `settings` it has those, and `password` is the one that their editor asks `admin` for.
    """

    def __init__(
        self,
        folder: Path,
        settings: Path | None = None,
        environment: dict[str, str] | None = None,
        password: str | None = None,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.shown: Record[Shown] = Record()
        self.log: Record[tuple[str, str]] = Record()
        self._folder = folder
        self._settings = settings
        self._environment = environment or {}
        self._password = password
        self._token = ""
        self._names: dict[str, str] = {}
        self._ids: dict[str, list[str]] = {}
        self._start = 0
        self._process: asyncio.subprocess.Process
        self._connection: ClientConnection
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        # It finds the dashboard beside itself.
        modules = CACHE / "node_modules"
        settings = self._settings or self._folder / "settings.js"
        if self._settings is None:
            settings.write_text(_SETTINGS)
        options = ("--settings", str(settings), "--userDir", str(self._folder), "--port", str(self.port))
        self._process = await asyncio.create_subprocess_exec(
            *(str(modules / ".bin/node"), str(modules / "node-red/red.js"), *options),
            cwd=self._folder,
            env=os.environ | self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            self._tasks.append(asyncio.create_task(self._read(), name="node-red log"))
            for sign in ("Server now running", "Started flows"):  # in any order
                await self.log.until(lambda line, sign=sign: line[1].startswith(sign), sign)
            self._start = len(self.log)
            self._connection = await connect(f"ws://127.0.0.1:{self.port}/comms", max_size=None)
            if self._password is not None:
                await self._log_in(self._password)
            for topic in ("debug", "status/#"):
                await self._connection.send(json.dumps({"subscribe": topic}))
            self._tasks.append(asyncio.create_task(self._listen(), name="node-red comms"))
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()
        await self._end()

    @property
    def complaints(self) -> list[str]:
        """Return the warnings and errors that its log has since the start."""
        return [text for level, text in self.log.since(self._start) if level in ("warn", "error", "fatal")]

    async def deploy(self, flow: Flow) -> None:
        """Replace all flows by this one, and wait until its MQTT nodes are connected."""
        mark = len(self.shown)
        await self.ask("POST", "/flows", flow)
        await self.find(flow, after=mark)

    async def find(self, flow: Flow, *, after: int = 0) -> None:
        """Take this flow, which is there, as the one that is meant; wait until its MQTT nodes are connected."""
        self._names = {node["id"]: node.get("name") or node.get("topic") or node["type"] for node in flow}
        self._ids = {}
        for node in flow:
            self._ids.setdefault(self._names[node["id"]], []).append(node["id"])
        for node in flow:
            if node["type"] in ("mqtt in", "mqtt out"):
                await self._connected(node["id"], after)

    async def press(self, name: str) -> None:
        """Press the button of the inject node of that name."""
        (found,) = self._ids[name]
        await self.ask("POST", f"/inject/{found}", {})

    async def debug(self, name: str, wanted: Callable[[str], bool] = bool, *, after: int = 0) -> str:
        """Return what a debug node writes to the sidebar, the first that is wanted."""
        return await self._until("debug", name, wanted, after)

    async def status(self, name: str, wanted: Callable[[str], bool] = bool, *, after: int = 0) -> str:
        """Return what stands under a node, the first that is wanted."""
        return await self._until("status", name, wanted, after)

    def mark(self) -> int:
        return len(self.shown)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the admin API, and return what it answers."""
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        request.add_header("Accept", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        return await asyncio.to_thread(_fetch, request)

    async def _until(self, kind: str, name: str, wanted: Callable[[str], bool], after: int) -> str:
        ids = self._ids[name]
        found = await self.shown.until(
            lambda shown: shown.kind == kind and shown.node in ids and wanted(shown.text), f"{kind} {name}", after=after
        )
        return found.text

    async def _connected(self, node: str, mark: int) -> None:
        await self.shown.until(
            lambda shown: (shown.kind, shown.node, shown.text) == ("status", node, "node-red:common.status.connected"),
            f"connection of {self._names[node]}",
            after=mark,
        )

    async def _log_in(self, password: str) -> None:
        person = {"username": "admin", "password": password}
        grant = {"client_id": "node-red-editor", "grant_type": "password", "scope": "*"}
        self._token = (await self.ask("POST", "/auth/token", person | grant))["access_token"]
        await self._connection.send(json.dumps({"auth": self._token}))
        assert json.loads(await self._connection.recv()) == {"auth": "ok"}

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if found := _LINE.match(line.decode().rstrip("\n")):
                self.log.add((found[1], found[2]))

    async def _listen(self) -> None:
        async for text in self._connection:
            for found in json.loads(text):
                topic, data = found["topic"], found["data"]
                if topic == "debug" and "id" in data:
                    self.shown.add(Shown("debug", data["id"], str(data.get("msg"))))
                elif topic.startswith("status/"):
                    self.shown.add(Shown("status", topic.removeprefix("status/"), str(data.get("text", ""))))

    async def _end(self) -> None:
        # Asked politely, its MQTT nodes would take two seconds to say goodbye.
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _fetch(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        body = answer.read()
        is_json = "json" in answer.headers.get("Content-Type", "")
    return json.loads(body) if body and is_json else body.decode()
