"""Writes `reference/cli.md`: every command with its arguments, from the parsers that read them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from bridge.cli import command_line

_HEAD = """\
# Command line

Written by `make docs` from the program's own parsers; `ocpp-twin COMMAND --help` prints the same. Exit codes stand in
[Codes](error-codes.md#exit-codes).
"""


def text() -> str:
    """Return the whole page."""
    parser = command_line()
    return "\n".join([_HEAD, *_overview(parser), *_commands(parser, parser.prog)])


def _overview(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "| command | |"
    yield "| --- | --- |"
    for name, inner, said in _leaves(parser, parser.prog):
        yield f"| [`{name}`](#{_anchor(name)}) | {said or inner.description} |"
    yield ""


def _commands(parser: argparse.ArgumentParser, program: str) -> Iterator[str]:
    for name, inner, _ in _leaves(parser, program):
        yield f"## `{name}`\n"
        yield f"{_plain(inner.description)}\n"
        yield f"Usage: {_usage(name, inner)}\n"
        yield from _arguments(inner)
        if inner.epilog:
            yield f"{_plain(inner.epilog)}\n"


def _leaves(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """Yield the commands that have none below them, with the line that their list has for each."""
    for action in parser._actions:  # noqa: SLF001 - argparse shows its arguments in no other way
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        told = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
        for word, inner in action.choices.items():
            deeper = list(_leaves(inner, f"{name} {word}"))
            yield from deeper or [(f"{name} {word}", inner, told.get(word, ""))]


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    hidden = (argparse._HelpAction, argparse._SubParsersAction)  # noqa: SLF001
    return [action for action in parser._actions if not isinstance(action, hidden)]  # noqa: SLF001


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    parts = [_part(action) for action in sorted(_shown(parser), key=lambda action: not action.option_strings)]
    return f"`{' '.join([name, *parts])}`"


def _part(action: argparse.Action) -> str:
    word = _metavar(action)
    if not action.option_strings:
        many = "…" if action.nargs in ("*", "+") else ""
        return f"[{word}{many}]" if action.nargs in ("?", "*") else f"{word}{many}"
    many = "…" if isinstance(action, argparse._AppendAction) else ""  # noqa: SLF001
    inside = f"{_long(action)} {word}".rstrip()
    return f"{inside}{many}" if action.required else f"[{inside}]{many}"


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    actions = _shown(parser)
    if not actions:
        return
    yield "| argument | |"
    yield "| --- | --- |"
    for action in actions:
        names = ", ".join(f"`{name}`" for name in action.option_strings) or f"`{_metavar(action)}`"
        value = f" `{_metavar(action)}`" if action.option_strings and _metavar(action) else ""
        said = _plain(action.help).replace("|", "\\|")
        choices = f"; one of {', '.join(f'`{one}`' for one in action.choices)}" if action.choices else ""
        yield f"| {names}{value} | {said}{choices} |"
    yield ""


def _metavar(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    named = action.metavar if isinstance(action.metavar, str) else None
    return named or action.dest.replace("-", "_").upper()


def _long(action: argparse.Action) -> str:
    return next((name for name in action.option_strings if name.startswith("--")), action.option_strings[0])


def _plain(said: str | None) -> str:
    return " ".join((said or "").split()).replace("<", "&lt;").replace("%%", "%")


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
