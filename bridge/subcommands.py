"""How a subcommand stands on the command line; what it does is not known here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def subcommand(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str, note: str = ""
) -> argparse.ArgumentParser:
    """Add a command that `run` carries out; `text` says what it does, `note` stands below its help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=note
    )
    parser.set_defaults(command=run)
    return parser
