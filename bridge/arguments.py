"""Arguments that several commands take, and how they become what the commands work with.

Whatever is wrong with them is said on standard error, and None returned: the command then ends with WRONG.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.options import MqttOptions
    from config.loading import Configuration

FINE, FAILED, WRONG = 0, 1, 2
"""The exit codes: fine, failed while running, wrong configuration or usage."""

CONFIG_NOTE = (
    "Without --config, ocpp-twin.yaml in the working folder counts, else /etc/ocpp-twin/ocpp-twin.yaml. "
    "The environment goes above the files: OCPP_TWIN__MQTT__URL=mqtt://broker:1883"
)

_CONFIG_HELP = "configuration file; may be given several times, later ones are merged over earlier ones"


def port(text: str) -> int:
    """Read a TCP port."""
    if text.isdecimal() and 1 <= int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")


def positive(text: str) -> int:
    """Read a whole number from 1."""
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")


def say(text: str) -> None:
    """Tell the user something that is not the command's output."""
    print(text, file=sys.stderr)


def add_config(parser: Any) -> None:
    """Let a command take --config; `configuration` reads it."""
    parser.add_argument("--config", "-c", action="append", type=Path, default=[], metavar="FILE", help=_CONFIG_HELP)


def add_broker(parser: Any) -> None:
    """Let a command take --url or --config; `broker` makes options of them."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--url", "-u", help="the broker, such as mqtt://user:password@localhost:1883")
    add_config(source)


def configuration(files: list[Path], *, required: bool = True) -> Configuration | None:
    """Read and check the configuration; None if something is wrong with it."""
    from bridge import app
    from config.problems import ConfigError

    try:
        return app.configuration(files, required=required)
    except ConfigError as error:
        say(str(error))
        return None


def broker(given: argparse.Namespace) -> MqttOptions | None:
    """Say how the broker is reached: by --url, else by the configuration; None if something is wrong with that."""
    from bridge.options import MqttOptions

    if given.url is not None:
        return MqttOptions(url=given.url)
    configured = configuration(given.config, required=False)
    if configured is None:
        return None
    from bridge.from_settings import mqtt_options

    return mqtt_options(configured.settings)
