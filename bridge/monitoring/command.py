"""The command line of health: asks a daemon how it is, for the health checks of containers and for people.

Loads little, because it runs every few seconds; says one sentence.
"""

from __future__ import annotations

import argparse
from typing import Any

from bridge.arguments import FAILED, FINE, WRONG, add_config, say
from bridge.subcommands import subcommand

_NOTE = (
    "Without --url the address is that of the configuration (http.host, http.port). "
    "Exit codes: 0 it is, 1 it is not or does not answer, 2 wrong configuration or usage."
)


def add(commands: Any) -> None:
    """Add `health` to the commands of the program."""
    parser = subcommand(commands, "health", _health, "ask a running daemon whether it is healthy", _NOTE)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--url", "-u", help="where it serves HTTP, such as http://127.0.0.1:9580")
    add_config(source)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--live",
        dest="path",
        action="store_const",
        const="/healthz",
        help="does it run and store? (that is the default)",
    )
    which.add_argument(
        "--ready", dest="path", action="store_const", const="/readyz", help="are its twins and the broker there, too?"
    )
    parser.set_defaults(path="/healthz")


def _health(given: argparse.Namespace) -> int:
    from bridge.monitoring import inquiry

    url = _configured(given) if given.url is None else given.url
    if url is None:
        return WRONG
    try:
        healthy, sentence = inquiry.ask(url, given.path)
    except ValueError as error:
        say(f"ocpp-twin: {error}")
        return WRONG
    print(sentence)
    return FINE if healthy else FAILED


def _configured(given: argparse.Namespace) -> str | None:
    from bridge.monitoring.address import address
    from config.loading import http_settings
    from config.problems import ConfigError

    try:
        found = http_settings(given.config)
    except ConfigError as error:
        say(str(error))
        return None
    if not found.enabled:
        say(
            "ocpp-twin: by the configuration the daemon serves no HTTP: set http.enabled to true, or say where one "
            f"does, such as the demo: --url {address(found.host, found.port)}"
        )
        return None
    return address(found.host, found.port)
