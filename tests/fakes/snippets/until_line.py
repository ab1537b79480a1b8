"""A person who watches a program until it has shown something, and ends it with Ctrl-C, or `q` in a full-screen one.

until_line.py PATTERN COMMAND [ARGUMENT…]; imports nothing of the product, as it stands in for somebody at a terminal.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

PATIENCE_S = 30.0
_SCREEN = {"watch"}


def main(pattern: str, command: list[str]) -> int:
    """Return 0 where the pattern was shown and the program ended well after that."""
    screen = any(word in _SCREEN for word in command[1:2])
    reading, writing = pty.openpty() if screen else os.pipe()
    if screen:
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = os.environ | ({"TERM": "xterm-256color"} if screen else {})
    # A full-screen program draws on standard error, and asks standard input how large the terminal is.
    given, drawn = (writing, writing) if screen else (subprocess.DEVNULL, None)
    process = subprocess.Popen(command, stdin=given, stdout=writing, stderr=drawn, env=environment)
    os.close(writing)
    # What a screen shows first are questions to the terminal; keys are read when there is something to see.
    seen = _read(reading, re.compile(b"online" if screen else pattern.encode(), re.MULTILINE))
    if seen and screen:
        os.write(reading, b"q")
    elif process.poll() is None:
        process.send_signal(signal.SIGINT)
    code = _end(process, reading)
    if not seen:
        print(f"{command}: {pattern!r} was not shown", file=sys.stderr)
    return 0 if seen and code in (0, 130, -signal.SIGINT) else code or 1


def _read(stream: int, pattern: re.Pattern[bytes]) -> bool:
    seen, until = b"", time.monotonic() + PATIENCE_S
    while not pattern.search(seen):
        ready, _, _ = select.select([stream], [], [], max(until - time.monotonic(), 0))
        try:
            more = os.read(stream, 65536) if ready else b""
        except OSError:  # a terminal whose program has ended
            more = b""
        if not more:
            return False
        seen += more
        if not os.isatty(stream):
            os.write(1, more)
    return True


def _end(process: subprocess.Popen[bytes], stream: int) -> int:
    """Wait for the end; what it still says has to be read, or it could not say it."""
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        ready, _, _ = select.select([stream], [], [], 0.05)
        try:
            if ready and not os.read(stream, 65536):
                break
        except OSError:
            break
    try:
        return process.wait(max(until - time.monotonic(), 1.0))
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait() or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
