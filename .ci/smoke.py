# ruff: noqa: INP001, S101, S603, T201 - a script that starts what it is given, and prints
"""Try an installed ocpp-twin from outside: `python .ci/smoke.py PATH_TO_OCPP_TWIN`.

Asks for the version, checks a good and a bad configuration, runs the demo and charges a car in it. It imports nothing
of the product, and never lasts longer than two minutes.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

LIMIT_S = 120.0
END_S = 5.0
GOOD = "twins:\n  - {id: garage, template: ac-11kw}\n"
BAD = "twins:\n  - {id: garage, evsez: 2}\n"


class Lines:
    """Read the lines of a process in the background, so that waiting for one can be bounded."""

    def __init__(self, stream: IO[str], until: float) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self.until = until
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def wait_for(self, what: str, wanted: Callable[[str], Any]) -> Any:
        """Return the first true thing that `wanted` makes of a line."""
        while True:
            try:
                line = self._lines.get(timeout=max(self.until - time.monotonic(), 0.0))
            except queue.Empty:
                raise SystemExit(f"smoke: waited in vain for {what}") from None
            print("   ", line, end="")
            if found := wanted(line):
                return found

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line)


def check(program: str, until: float) -> None:
    """Try everything; raises SystemExit with a sentence at the first thing that is wrong."""
    version = run(program, "version")
    expect(
        version.returncode == 0 and re.fullmatch(r"\d+\.\d+\S*\n", version.stdout),
        "`version` prints a version",
        version,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ocpp-twin.yaml"
        file.write_text(GOOD, encoding="utf-8")
        good = run(program, "check-config", "--config", str(file))
        expect(good.returncode == 0, "a good configuration is good", good)
        file.write_text(BAD, encoding="utf-8")
        bad = run(program, "check-config", "--config", str(file))
        said = bad.stderr
        expect(bad.returncode == 2, "a bad configuration gives exit code 2", bad)
        expect("twins[0].evsez" in said and "evses" in said, "a bad key is named, and the nearest known one", bad)
        expect("Traceback" not in said, "there is no traceback", bad)
    demo(program, until)


def demo(program: str, until: float) -> None:
    """Run the demo, charge a car, and end it as Ctrl-C does."""
    process = subprocess.Popen(
        [program, "demo", "--mqtt-port", "18830", "--csms-port", "19000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env=clean_environment(),
    )
    assert process.stdout is not None
    try:
        charge(program, Lines(process.stdout, until))
        process.send_signal(signal.SIGINT)
        code = process.wait(END_S)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"smoke: the demo does not end within {END_S:g} s after Ctrl-C") from None
    finally:
        process.kill()
        process.wait()
    if code != 0:
        raise SystemExit(f"smoke: the demo ended with exit code {code}")


def charge(program: str, lines: Lines) -> None:
    """Plug in, swipe, see the transaction accepted, swipe again, unplug, and see it stopped."""
    url = lines.wait_for("the broker's address", re.compile(r"^MQTT (mqtt://127\.0\.0\.1:\d+)$").match)[1]
    lines.wait_for("the Central System's address", re.compile(r"^OCPP ws://127\.0\.0\.1:\d+/ocpp$").match)
    watch = subprocess.Popen(
        [program, "sub", "--url", url, "--json", "ocpp-twin/garage/1/state", "ocpp-twin/garage/event"],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=clean_environment(),
    )
    assert watch.stdout is not None
    try:
        events = Lines(watch.stdout, lines.until)
        # What the broker kept comes first: from then on the watcher hears everything.
        events.wait_for("the state of the first EVSE", lambda line: "Available" in line)
        say(program, url, "1/set/plugged", "ON")
        say(program, url, "1/cmd/swipe", "04A2B3C4")
        events.wait_for("transaction_accepted", event("transaction_accepted"))
        say(program, url, "1/cmd/swipe", "04A2B3C4")
        events.wait_for("transaction_stopped", event("transaction_stopped"))
        lines.wait_for("StopTransaction on the console", lambda line: "StopTransaction" in line)
    finally:
        watch.kill()
        watch.wait()


def say(program: str, url: str, topic: str, value: str) -> None:
    """Publish something to the first twin of the demo."""
    said = run(program, "pub", "--url", url, f"ocpp-twin/garage/{topic}", value)
    expect(said.returncode == 0, f"`pub {topic} {value}` works", said)


def event(kind: str) -> Callable[[str], bool]:
    """Return what finds an event of this type among the lines of `sub --json`."""

    def is_it(line: str) -> bool:
        payload = json.loads(line)["payload"]
        found = json.loads(payload) if isinstance(payload, str) else payload
        return bool(found.get("type") == kind)

    return is_it


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=30,
        check=False,
        env=clean_environment(),
    )


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of the product, and without this checkout on Python's path."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("OCPP_TWIN__", "PYTHON"))}


def expect(holds: object, what: str, seen: subprocess.CompletedProcess[str]) -> None:
    """End with a sentence unless something holds."""
    if not holds:
        raise SystemExit(f"smoke: not so: {what}\nexit code {seen.returncode}\n{seen.stdout}{seen.stderr}")
    print("ok:", what)


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("smoke: more than two minutes"))
    signal.alarm(int(LIMIT_S))
    check(str(Path(sys.argv[1]).absolute()), time.monotonic() + LIMIT_S - 10)
    print("ok: ocpp-twin demo charges a car")
