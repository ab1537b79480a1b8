"""Mosquitto as somebody who is not root has it: the real broker, and its clients or ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from asked import CHECKOUT, ROOT, expect, real_path


def mosquitto(arguments: Sequence[str]) -> None:
    """Be the broker; for root, who could not read files of his own, since it becomes somebody else."""
    given = list(arguments)
    if os.geteuid() == 0 and "-c" in given:
        place = given.index("-c") + 1
        file = Path(given[place])
        copy = ROOT.parent / "state" / file.name
        copy.write_text(f"{file.read_text(encoding='utf-8')}\nuser root\n", encoding="utf-8")
        given[place] = str(copy)
    found = shutil.which("mosquitto", path=f"{real_path()['PATH']}:/usr/sbin:/usr/local/sbin")
    expect(found, "Mosquitto is not installed")
    os.execv(str(found), [str(found), *given])


def mosquitto_client(name: str) -> Callable[[Sequence[str]], None]:
    """Return Mosquitto's client; where only its broker is installed, ours does the same."""

    def run(arguments: Sequence[str]) -> None:
        if found := shutil.which(name, path=real_path()["PATH"]):
            os.execv(found, [found, *arguments])
        wanted = {"-t": "", "-m": "", "-h": "localhost", "-p": "1883"}
        flags = []
        given = iter(arguments)
        for word in given:
            if word in wanted:
                wanted[word] = next(given)
            elif word in ("-q", "-C", "-W"):
                flags += [word, next(given)]
            elif word in ("-r", "-R"):
                flags.append(word)
            else:
                expect(word == "-v", f"{name} {word}")
        url = f"mqtt://{wanted['-h']}:{wanted['-p']}"
        verb = name.removeprefix("mosquitto_")
        program = str(CHECKOUT / ".venv/bin/ocpp-twin")
        said = [wanted["-t"], wanted["-m"]] if verb == "pub" else [wanted["-t"]]
        os.execv(program, [program, verb, "--url", url, *flags, *said])

    return run
