"""The machine of one page: a folder with the checkout, a scratch root for /etc and so on, and a shell.

Snippets are run in their order; the working folder and exported variables carry over from one to the next, as in one
terminal. What a page leaves running is ended with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from fakes.mosquitto import Mosquitto

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60.0

_COPIED = ("docs", "examples", "docker")
_PLACEHOLDERS = {"<this repository>": "this-repository"}
_MOVED = re.compile(r"(?<![\w./~}$*-])/(?=(?:opt|etc|var|usr/local|run|srv|home)(?:/|\b))")
_WATCHING = re.compile(
    r"^(\s*)(?=(?:\S*ocpp-twin (?:sub|trace|watch)|mosquitto_sub)\b)(?!.*( -C| -W|--count|--timeout|\||&\s*$))"
)
_DEMO_RUNS = r"garage\b.*StatusNotification"
_AT_HOME = ("--url", "mqtt://127.0.0.1:1883")
_COMPLAINTS = ("ocpp-twin/bridge/+/error", "ocpp-twin/+/result", "ocpp-twin/bridge/+/response/+", "demo-csms/+/result")
_STAND_INS = Path(__file__).with_name("stand_ins")
_UNTIL = Path(__file__).with_name("until_line.py")


class Failed(Exception):
    """Say what a snippet did, instead of what it should have done."""


class Session:
    """Use it as a context manager; `root` stands for `/` where a snippet writes to a folder of the system."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.output = ""
        self._folder = folder
        self._checkout = folder / "ocpp-twin"
        self._running: list[_Background] = []
        self._broker: Mosquitto | None = None
        self._demo = False
        self._witness: _Background | None = None

    def __enter__(self) -> Self:
        for name in ("root/etc/systemd/system", "root/opt", "root/var/lib", "home", "state", "bin", "machine"):
            (self._folder / name).mkdir(parents=True)
        checkout(self._checkout)
        (self._folder / "state/cwd").write_text(f"{self._checkout}\n")
        (self._folder / "state/env").touch()
        (self._folder / "bin/ocpp-twin").symlink_to(self._checkout / ".venv/bin/ocpp-twin")
        for name in subprocess.check_output([sys.executable, _STAND_INS], text=True, env=self._environment()).split():
            program = self._folder / ("bin" if name.startswith("mosquitto") else "machine") / name
            program.write_text(f'#!/bin/sh\nexec {sys.executable} {_STAND_INS} {name} "$@"\n')
            program.chmod(0o755)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            process.end()
        if self._broker is not None:
            self._broker.stop()

    def run(self, text: str, *, scene: str, options: dict[str, str], background: bool = False) -> None:
        """Run a snippet to its end, or to what it has to show. Raises Failed."""
        starts_demo = background and re.search(r"\b(make|ocpp-twin) demo\b", text) is not None
        self._prepare(scene, starts_demo=starts_demo)
        until = options.get("until", _DEMO_RUNS if starts_demo else None)
        command = ["bash", "-e", "-c", self._script(text, scene, rewrite=not background and until is None)]
        if background or until is not None:
            process = self._start(command)
            self.output = process.until(until) if until is not None else ""
            if not background:
                self._running.pop().end()
            return
        self._run(command, options.get("exit", "0"))

    def refused(self) -> list[str]:
        """Return what daemon and Central System did not want of all that was published."""
        if self._witness is None:
            return []
        if self._demo:
            # The daemon takes messages in their order: what answers this has answered all before.
            marker = ("ocpp-twin/bridge/main/request/list_twins", '{"request_id": "end-of-page"}')
            subprocess.run([self._program(), "pub", *_AT_HOME, *marker], env=self._environment(), check=False)
            self._witness.until("end-of-page")
        return [line for line in self._witness.said() if _is_refusal(line)]

    def write(self, place: str, text: str) -> None:
        """Write a file that a page shows."""
        file = self.cwd() / self.moved(place)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.moved(text), encoding="utf-8")

    def moved(self, text: str) -> str:
        """Return the text with the folders of the system moved to the scratch root."""
        for name, value in _PLACEHOLDERS.items():
            text = text.replace(name, value)
        return _MOVED.sub(f"{self.root}/", text)

    def _run(self, command: list[str], wanted: str) -> None:
        try:
            done = subprocess.run(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode("utf-8", "replace")
            raise Failed(f"it does not end within {PATIENCE_S:g} s, having said:\n{said}") from None
        self.output = done.stdout.decode("utf-8", "replace").replace(f"{self.root}/", "/")
        if wanted != "any" and done.returncode != int(wanted):
            raise Failed(f"exit code {done.returncode}:\n{self.output}")

    def _prepare(self, scene: str, *, starts_demo: bool) -> None:
        if starts_demo:
            self._demo = True
        if scene == "demo" and not self._demo:
            self._demo = True
            self._start([self._program(), "demo"]).until(_DEMO_RUNS)
        if scene == "broker" and self._broker is None:
            self._broker = Mosquitto(self._folder / "state", "listener 1883 127.0.0.1")
            self._broker.start()
        if self._witness is None and (scene == "broker" or (self._demo and not starts_demo)):
            self._witness = self._start(
                [self._program(), "sub", *_AT_HOME, "--json", *_COMPLAINTS, "$SYS/broker/version"]
            )
            self._witness.until("SYS/broker/version")

    def _start(self, command: list[str]) -> _Background:
        process = _Background(command, self._environment(), self._checkout)
        self._running.append(process)
        return process

    def _program(self) -> str:
        return str(self._folder / "bin/ocpp-twin")

    def _script(self, text: str, scene: str, *, rewrite: bool) -> str:
        state = self._folder / "state"
        places = [self._folder / "bin", *([self._folder / "machine"] if scene == "machine" else [])]
        path = ":".join([*map(str, reversed(places)), os.environ["PATH"], "/usr/sbin", "/sbin"])
        ended = f"{shlex.quote(sys.executable)} {_UNTIL} . "
        lines = [_WATCHING.sub(rf"\1{ended}", line) if rewrite else line for line in self.moved(text).splitlines()]
        return "\n".join(
            [
                f'. {state}/env; cd "$(cat {state}/cwd)"; export PATH={shlex.quote(path)}',
                f"trap 'pwd >{state}/cwd; export -p >{state}/env' EXIT",
                *lines,
            ]
        )

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OCPP_TWIN__", "PYTHON", "VIRTUAL"))
        }
        home, machine = (
            self._folder / "home",
            {"SNIPPETS_ROOT": str(self.root), "SNIPPETS_CHECKOUT": str(self._checkout)},
        )
        return kept | {"HOME": str(home), "PYTHONUNBUFFERED": "1", "COLUMNS": "100"} | machine

    def cwd(self) -> Path:
        """Return the folder in which the next snippet begins."""
        return Path((self._folder / "state/cwd").read_text().rstrip("\n"))


class _Background:
    """A command that goes on while others are run, with all that it says."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._said: list[str] = []
        self._more = threading.Condition()
        self._over = False
        threading.Thread(target=self._read, daemon=True).start()

    def until(self, pattern: str) -> str:
        """Wait until it has said something, and return all so far. Raises Failed."""
        wanted = re.compile(pattern)
        with self._more:
            found = self._more.wait_for(lambda: self._over or any(map(wanted.search, self._said)), PATIENCE_S)
            said = "".join(self._said)
        if not found or not wanted.search(said):
            raise Failed(f"{pattern!r} was not shown, but:\n{said}")
        return said

    def said(self) -> list[str]:
        """Return the lines so far."""
        with self._more:
            return list(self._said)

    def end(self) -> None:
        """End it as Ctrl-C does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._more:
                self._said.append(line.decode("utf-8", "replace"))
                self._more.notify_all()
        with self._more:
            self._over = True
            self._more.notify_all()


def _is_refusal(line: str) -> bool:
    try:
        said = json.loads(line)
        payload = json.loads(said["payload"])
    except ValueError:
        return False
    if said["topic"].startswith("demo-csms/"):
        return payload.get("status") == "error" or "error" in payload
    return said["topic"].endswith("/error") or payload.get("status") not in ("ok", None)


def checkout(folder: Path) -> None:
    """Make a folder that looks like a checkout in which `make` has been; what a snippet may write to is a copy."""
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name in _COPIED:
            shutil.copytree(entry, folder / entry.name)
        elif entry.name not in (".venv", ".git", "ocpp-twin.yaml", "ocpp-twin.db") and not entry.name.endswith(
            "_cache"
        ):
            (folder / entry.name).symlink_to(entry)
    environment = folder / ".venv"
    environment.mkdir()
    for entry in Path(sys.prefix).iterdir():
        (environment / entry.name).symlink_to(entry)
    for stamp in (".demo", ".dev"):
        (environment / stamp).unlink(missing_ok=True)
        (environment / stamp).touch()
