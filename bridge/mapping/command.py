"""The command line of the mapping: which presets there are, and what a message would do."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bridge.arguments import FAILED, FINE, WRONG
from bridge.subcommands import subcommand

if TYPE_CHECKING:
    from bridge.mapping.rules import InputRule
    from bridge.options import MqttOptions

_TRY_NOTE = (
    "A preset is tried for an EVSE garage/1; what it has to be told is found in the topic where --set does not say it. "
    "Exit codes: 0 an input takes the message, 1 none does or it is refused, 2 wrong preset, configuration or usage."
)
_TRIED_ON = "garage"

Source: TypeAlias = "tuple[Sequence[InputRule], Mapping[str, int], MqttOptions]"


def add(commands: Any) -> None:
    """Add `map` to the commands of the program."""
    parser = commands.add_parser("map", help="try how sensors are mapped to twins", description="Try how sensors map.")
    own = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    trying = subcommand(own, "test", _test, "say what a message would do, and why", _TRY_NOTE)
    trying.add_argument("source", metavar="PRESET_OR_CONFIG", help="a preset's name, its file, or a configuration file")
    trying.add_argument("topic", help="such as shellies/shellyem-B9F355/emeter/0/power")
    trying.add_argument("payload", nargs="?", default="", help="such as 1234.5; - reads it from standard input")
    trying.add_argument("--retain", "-r", action="store_true", help="as if the message had the retain flag")
    trying.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="what the preset has to be told"
    )
    subcommand(own, "presets", _presets, "list the presets of devices, and what each has to be told")


def _presets(given: argparse.Namespace) -> int:
    from config import devices

    del given
    for name in devices.names():
        kind = devices.preset(name)
        print(f"{name}: {kind.device}")
        for word, variable in kind.variables.items():
            usual = "required" if variable.default is None else f"{variable.default} where not given"
            print(f"    {word}: {variable.about} ({usual})")
    return FINE


def _test(given: argparse.Namespace) -> int:
    from bridge.mapping.trial import tried
    from bridge.mapping.values import Said
    from config.problems import ConfigError

    payload = sys.stdin.buffer.read() if given.payload == "-" else given.payload.encode("utf-8", "surrogateescape")
    try:
        rules, twins, options = _source(given.source, given.set, given.topic)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return WRONG
    verdict = tried(rules, twins, options, Said(given.topic, payload), retain=given.retain, now=time.time())
    print("\n".join(verdict.lines))
    return FAILED if verdict.refused or not verdict.matched else FINE


def _source(name: str, settings: Sequence[str], topic: str) -> Source:
    from bridge import app
    from bridge.from_settings import mqtt_options
    from bridge.mapping import building
    from bridge.options import MqttOptions
    from config import devices, presets
    from config.problems import ConfigError, Problem

    if name not in devices.names() and _is_configuration(name):
        if settings:
            raise ConfigError([Problem("--set", (), "is for presets; the configuration says it all")])
        configured = app.configuration([Path(name)])
        twins = {twin.id: len(twin.evses) for twin in configured.twins}
        rules, _ = building.built(configured.settings, twins)
        return rules.inputs, twins, mqtt_options(configured.settings)
    kind = devices.preset(name)
    given = devices.recognised(kind, _given(settings), topic)
    rules = building.alone(kind, given, f"{_TRIED_ON}/1")
    if given:
        print("with " + ", ".join(f"{word}={value}" for word, value in given.items()))
    return rules.inputs, {_TRIED_ON: 1}, MqttOptions(cars=presets.cars())


def _given(settings: Sequence[str]) -> dict[str, str]:
    from config.problems import ConfigError, Problem

    given: dict[str, str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError([Problem("--set", (), f'found "{text}"; allowed: NAME=VALUE')])
        given[name] = value
    return given


def _is_configuration(name: str) -> bool:
    """Tell whether a file is a configuration; a preset says which `device` it is for."""
    from config import devices
    from config.reading import read

    if not devices.is_file_name(name) and not Path(name).exists():
        return False
    return "device" not in read(Path(name))
