"""A headless Chromium, driven over its DevTools protocol: enough to look at a page as a person would."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, Self

from fakes.record import PATIENCE_S, Record
from websockets.asyncio.client import ClientConnection, connect

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--window-size=1600,1200",
)
_MAX_MESSAGE = 64 * 1024 * 1024


def find() -> str | None:
    """Return where Chromium is installed."""
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


class Chromium:
    """Run it as an async context manager; `folder` takes its profile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._process: asyncio.subprocess.Process
        self._connection: ClientConnection
        self._reader: asyncio.Task[None]
        self._drain: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        program = find()
        assert program is not None
        # Chromium's own sandbox does not work for root; the pages are ours.
        options = [*_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        self._process = await asyncio.create_subprocess_exec(
            *(program, *options, f"--user-data-dir={self._folder}", "about:blank"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                address = await self._address()
                self._connection = await connect(address, max_size=_MAX_MESSAGE, compression=None, ping_interval=None)
        except BaseException:
            self._process.kill()
            await self._process.wait()
            raise
        self._drain = asyncio.create_task(self._ignore(), name="chromium log")
        self._reader = asyncio.create_task(self._read(), name="chromium")
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._reader, self._drain):
            task.cancel()
        await asyncio.gather(self._reader, self._drain, return_exceptions=True)
        await self._connection.close()
        self._process.terminate()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def open(self, url: str, *, width: int = 1600, height: int = 1200) -> Page:
        """Open a page in a tab of its own."""
        target = await self.send("Target.createTarget", {"url": "about:blank"})
        found = await self.send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        page = self._pages[found["sessionId"]] = Page(self, found["sessionId"])
        for domain in ("Page", "Runtime", "Log"):
            await page.send(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await page.send("Emulation.setDeviceMetricsOverride", size)
        await page.send("Page.navigate", {"url": url})
        return page

    async def send(self, method: str, params: dict[str, Any] | None = None, session: str | None = None) -> Any:
        """Give one command and return its result."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        command = {"id": number, "method": method, "params": params or {}}
        await self._connection.send(json.dumps(command | ({} if session is None else {"sessionId": session})))
        async with asyncio.timeout(PATIENCE_S):
            found = await answer
        assert "error" not in found, (method, found["error"])
        return found["result"]

    async def _address(self) -> str:
        assert self._process.stderr is not None
        said = []
        async for line in self._process.stderr:
            said.append(line.decode(errors="replace"))
            if found := re.search(r"DevTools listening on (ws://\S+)", said[-1]):
                return found[1]
        raise RuntimeError("".join(said))

    async def _ignore(self) -> None:
        assert self._process.stderr is not None
        async for _ in self._process.stderr:
            pass

    async def _read(self) -> None:
        async for text in self._connection:
            found = json.loads(text)
            if "id" in found:
                answer = self._answers.pop(found["id"])
                if not answer.done():
                    answer.set_result(found)
            elif (page := self._pages.get(found.get("sessionId", ""))) is not None:
                page.heard(found["method"], found["params"])


class Page:
    """Be one tab; `complaints` are warnings and errors of its console, and what it could not load."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self.complaints: Record[str] = Record()
        self._browser = browser
        self._session = session

    async def send(self, method: str, params: dict[str, Any] | None = None) -> Any:
        return await self._browser.send(method, params, self._session)

    async def run(self, script: str) -> Any:
        """Return what an expression, or what it promises, comes to; JSON only."""
        params = {"expression": script, "awaitPromise": True, "returnByValue": True}
        found = await self.send("Runtime.evaluate", params)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def act(self, script: str) -> None:
        """Do what an expression does, whatever it comes to."""
        await self.run(f"void ({script})")

    async def until(self, script: str) -> Any:
        """Look at an expression, frame by frame, until it is true, and return what it is."""
        look = f"""new Promise((done) => {{
            const look = () => {{
                let found = null;
                try {{ found = ({script}); }} catch (error) {{ /* the page is not that far */ }}
                if (found) {{ done(found); }} else {{ requestAnimationFrame(look); }}
            }};
            look();
        }})"""
        try:
            return await self.run(look)
        except TimeoutError:
            text = await self.run("document.body ? document.body.innerText : ''")
            raise AssertionError(f"waited in vain for {script} in\n{text}\n{list(self.complaints)}") from None

    def heard(self, method: str, params: dict[str, Any]) -> None:
        """Take an event of the browser."""
        match method:
            case "Runtime.exceptionThrown":
                self.complaints.add(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("warning", "error", "assert"):
                self.complaints.add(" ".join(str(arg.get("value", arg.get("description"))) for arg in params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("warning", "error"):
                self.complaints.add(f"{params['entry']['text']} {params['entry'].get('url', '')}")
