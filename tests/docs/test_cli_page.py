"""The reference of the command line names every command and argument, and says what each does."""

import argparse
import re

from bridge.cli import command_line
from docs.cli_page import text


def parsers(parser, name):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield f"{name} {word}", inner
                yield from parsers(inner, f"{name} {word}")


def test_every_command_and_argument_stands_in_it():
    page = text()
    for name, parser in parsers(command_line(), "ocpp-twin"):
        if parser.get_default("command") is None:
            continue
        section = page.partition(f"\n## `{name}`\n")[2].partition("\n## ")[0]
        assert section, name
        for action in parser._actions:
            if action.dest != "help":
                assert any(
                    f"`{word}`" in section
                    for word in action.option_strings or [str(action.metavar or action.dest.upper())]
                )


def test_every_row_says_what_it_is():
    assert re.findall(r"^\| .* \|  \|$", text(), re.MULTILINE) == []


def test_what_can_be_left_out_stands_in_brackets():
    assert "`ocpp-twin pub [--retain] " in text()
    assert " TOPIC [PAYLOAD]`" in text()
    assert "`ocpp-twin run [--config FILE]…`" in text()
