"""How wrong usage is told: what was probably meant, and where help is. Knows no command by name but where to begin."""

from __future__ import annotations

import argparse
import re
from typing import NoReturn

from bridge.arguments import WRONG

_CHOICE = re.compile(r"argument (?P<where>\S+): invalid choice: '(?P<found>.*?)' \(choose from (?P<known>.*)\)")
_BEGIN = "To begin: `ocpp-twin demo` runs everything on this machine; `ocpp-twin run` needs a configuration."
_ALIKE = 0.5


class Parser(argparse.ArgumentParser):
    """Parse a command line; subcommands are parsed by the same kind."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the usage and end with WRONG."""
        if message.endswith("required: COMMAND"):
            self.exit(WRONG, f"{self.format_help()}\n{self.prog}: a command is missing. {_BEGIN}\n")
        self.exit(WRONG, f"{self.format_usage()}{self.prog}: {_plainer(message)}\n{self.prog} --help tells more.\n")


def _plainer(message: str) -> str:
    if found := _CHOICE.match(message):
        known = [name.strip(" '") for name in found["known"].split(",")]
        what = "command" if found["where"] == "COMMAND" else found["where"]
        return f"unknown {what} {found['found']!r}{_near(found['found'], known)}; known: {', '.join(known)}"
    rest = message.removeprefix("unrecognized arguments: ")
    if rest != message and rest.endswith((".yaml", ".yml", ".json")):
        return f"unknown argument {rest}; a configuration file is named by --config {rest}"
    return message.replace("unrecognized arguments:", "unknown arguments:")


def _near(word: str, known: list[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is wrong

    close = get_close_matches(word.lower(), known, n=1, cutoff=_ALIKE)
    return f"; did you mean {close[0]!r}?" if close else ""
