"""The command line of watching: reads arguments, and says in a sentence what is wrong with them or the terminal."""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bridge.arguments import FAILED, FINE, WRONG, add_broker, broker, positive, say
from bridge.subcommands import subcommand

if TYPE_CHECKING:
    from bridge.options import MqttOptions

_WILD = frozenset("+#")
_COLOURLESS = re.compile(r"|dumb|unknown|network|(?:vt|wy|tvi)\d.*|.*-(?:m|mono)")
_NOTE = (
    "The broker is that of --url, else that of the configuration, else mqtt://localhost:1883. "
    "It may be on any machine: only MQTT is needed."
)


def add(commands: Any) -> None:
    """Add `watch` and `trace` to the commands of the program."""
    watch = subcommand(commands, "watch", _watch, "show all twins in the terminal, and let one drive them", _NOTE)
    trace = subcommand(commands, "trace", _trace, "print OCPP frames of twins as they come, with timings", _NOTE)
    trace.add_argument("twins", nargs="+", metavar="TWIN", help="an id such as garage, or a glob such as 'lot-*'")
    trace.add_argument("--node", help="ask this daemon only (all that run)")
    form = trace.add_mutually_exclusive_group()
    form.add_argument("--raw", action="store_true", help="print frames as they stand, unread")
    form.add_argument("--json", action="store_true", help="one JSON object a line, with everything")
    form.add_argument("--pretty", action="store_true", help="spread payloads over lines")
    trace.add_argument("--count", "-C", type=positive, metavar="N", help="end after so many frames")
    trace.add_argument("--timeout", "-W", type=float, metavar="S", help="end after so many seconds")
    for parser in (watch, trace):
        parser.add_argument("--base-topic", metavar="TOPIC", help="the root of all topics (ocpp-twin)")
        add_broker(parser)


def _watch(given: argparse.Namespace) -> int:
    why_not = _no_terminal()
    if why_not is not None:
        say(f"ocpp-twin: {why_not}")
        return WRONG
    options = _options(given)
    if options is None:
        return WRONG
    from bridge.broker import broker as address

    try:
        address(options)
    except ValueError as error:
        say(f"ocpp-twin: {error}")
        return WRONG
    from bridge.watching.app import run

    return run(options)


def _trace(given: argparse.Namespace) -> int:
    import asyncio

    options = _options(given)
    if options is None:
        return WRONG
    from bridge.watching.trace import NoBroker, NothingToSee, Wanted, trace

    wanted = Wanted(
        given.twins, given.node, given.raw, given.json, given.pretty, count=given.count, timeout_s=given.timeout
    )
    try:
        asyncio.run(trace(options, wanted, sys.stdout, say))
    except (NoBroker, NothingToSee) as error:
        say(f"ocpp-twin: {error}")
        return FAILED
    except ValueError as error:
        say(f"ocpp-twin: {error}")
        return WRONG
    return FINE


def _options(given: argparse.Namespace) -> MqttOptions | None:
    options = broker(given)
    if options is None or given.base_topic is None:
        return options
    root = given.base_topic.strip("/")
    if not root or not _WILD.isdisjoint(root):
        say(f"ocpp-twin: --base-topic {given.base_topic!r} is no root of topics: write a name without + and #")
        return None
    return replace(options, base_topic=root)


def _no_terminal() -> str | None:
    """Say why there can be no screen here; None where there can."""
    name = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "watch needs a terminal; into a file or a pipe `ocpp-twin sub` and `ocpp-twin trace` print"
    if _COLOURLESS.fullmatch(name):
        return f"watch needs a terminal with colours, and TERM is {name or 'not set'}: try `TERM=xterm-256color`"
    return None
