"""Runs all snippets of one page: `python page.py FILE FOLDER`, in a network of its own where the machine has that.

Prints what is wrong, and ends with 1 if anything is.
"""

from __future__ import annotations

import fcntl
import functools
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

from fakes.snippets import checks
from fakes.snippets.found import SHELL, Snippet, snippets
from fakes.snippets.session import Failed, Session

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_PORTS = (1883, 9000, 9080, 9580)
_OWN = (["unshare", "--net"], ["unshare", "--map-current-user", "--keep-caps", "--net"])
"""Ways to a network of one's own: as root, and as somebody else where the kernel allows it."""


def command(file: Path, folder: Path) -> list[str]:
    """Return how to run a page on this machine."""
    own = own_network()
    return [*own, sys.executable, __file__, *(["--own"] if own else []), str(file), str(folder)]


@functools.cache
def own_network() -> list[str]:
    """Return the command that gives another one a network of its own; nothing where that cannot be had."""
    return next((way for way in _OWN if _works(way)), [])


def _works(way: list[str]) -> bool:
    try:
        return subprocess.run([*way, "true"], stderr=subprocess.DEVNULL, timeout=10, check=False).returncode == 0
    except OSError:
        return False


def main(file: Path, folder: Path, *, own: bool) -> int:
    """Run the page; return the exit code."""
    if own:
        _raise_loopback()
    elif any(_taken(port) for port in _PORTS):
        print(f"One of the ports {_PORTS} is taken. End what listens there, or run the tests as root.")
        return 1
    wrong = 0
    found = snippets(file)
    meant = [code for snippet in found for code in snippet.options.get("refused", "").split(",") if code]
    with Session(folder) as session:
        for snippet in found:
            try:
                run(snippet, session)
            except Failed as failed:
                print(f"{snippet.place} ({snippet.scene}): {failed}\n--- the snippet:\n{snippet.text}")
                wrong += 1
        for line in _unmeant(session, meant):
            print(f"{file}: a message was refused (say refused=CODE where that is meant):\n{line}")
            wrong += 1
    return min(wrong, 1)


def _unmeant(session: Session, meant: list[str]) -> list[str]:
    try:
        return [line for line in session.refused() if not any(code in line for code in meant)]
    except Failed as failed:
        return [f"nobody knows: {failed}"]


def run(snippet: Snippet, session: Session) -> None:
    """Run or check one. Raises Failed."""
    if "file" in snippet.options:
        session.write(snippet.options["file"], snippet.text)
    if snippet.scene in SHELL:
        background = "background" in snippet.words
        session.run(snippet.text, scene=snippet.scene, options=snippet.options, background=background)
    elif snippet.scene == "output":
        _compare(snippet.text, session.output)
    else:
        checks.check(snippet, session.cwd())


def _compare(shown: str, printed: str) -> None:
    """Compare output with what a page shows of it: … stands for anything."""
    lines = [line.rstrip() for line in shown.strip("\n").splitlines()]
    pattern = ".*?".join(re.escape(part) for part in "\n".join(lines).split("…"))
    seen = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())
    if not re.fullmatch(pattern, seen, re.DOTALL):
        raise Failed(f"the command above printed something else:\n{seen}")


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def _taken(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    *flags, given_file, given_folder = sys.argv[1:]
    sys.exit(main(Path(given_file), Path(given_folder), own=bool(flags)))
