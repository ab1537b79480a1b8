"""The command line: reads arguments, calls what does the work, turns what went wrong into a sentence and an exit code.

Exit codes: 0 fine, 1 failed while running, 2 wrong configuration or usage. Everything heavy is imported where it is
needed, so that `version` and `--help` answer at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.arguments import (
    CONFIG_NOTE,
    FAILED,
    FINE,
    WRONG,
    add_broker,
    add_config,
    broker,
    configuration,
    port,
    positive,
    say,
)
from bridge.doctor import command as doctor
from bridge.mapping import command
from bridge.monitoring import command as monitoring
from bridge.subcommands import subcommand
from bridge.usage import Parser
from bridge.watching import command as watching

if TYPE_CHECKING:
    from bridge.options import MqttOptions

_TOOL_NOTE = (
    "The broker is that of --url, else that of the configuration, else mqtt://localhost:1883. "
    "Topics are written in full, as for mosquitto_pub and mosquitto_sub."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if sys.platform == "win32":
        say("ocpp-twin runs on Linux and macOS. On Windows, run it in WSL 2 or in a container.")
        return FAILED
    given = command_line().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.command
    try:
        return run(given)
    except KeyboardInterrupt:
        return FINE
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does.
        sys.stderr.close()
        return FINE


class _Version(argparse.Action):
    """Print the version: argparse's own action would have it looked up for every command, which takes long."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"ocpp-twin {_installed()}")
        parser.exit()


def command_line() -> argparse.ArgumentParser:
    """Return the parser of all commands; the reference is written from it."""
    parser = Parser(
        prog="ocpp-twin",
        description="Charge points that exist only on MQTT: twins that speak OCPP 1.6-J to a real Central System.",
        epilog="ocpp-twin COMMAND --help tells more. Exit codes: 0 fine, 1 failed while running, 2 wrong "
        "configuration or usage.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_daemon(commands)
    _add_demo(commands)
    _add_documents(commands)
    _add_tools(commands)
    command.add(commands)
    doctor.add(commands)
    monitoring.add(commands)
    watching.add(commands)
    return parser


def _add_daemon(commands: Any) -> None:
    run = subcommand(commands, "run", _run, "run the daemon until SIGTERM or SIGINT", CONFIG_NOTE)
    check = subcommand(
        commands, "check-config", _check_config, "check the configuration and say what it makes", CONFIG_NOTE
    )
    for parser in (run, check):
        add_config(parser)


def _add_demo(commands: Any) -> None:
    demo = subcommand(
        commands, "demo", _demo, "run broker, Central System and three twins on this machine", "Ctrl-C ends it."
    )
    demo.add_argument(
        "--mqtt-port", type=port, default=1883, metavar="N", help="the broker's port (1883, or a free one)"
    )
    demo.add_argument(
        "--csms-port", type=port, default=9000, metavar="N", help="the Central System's port (9000, or a free one)"
    )
    demo.add_argument(
        "--files-port", type=port, default=9080, metavar="N", help="the port for files (9080, or a free one)"
    )
    demo.add_argument(
        "--http-port", type=port, default=9580, metavar="N", help="the port for metrics (9580, or a free one)"
    )
    demo.add_argument("--data", type=Path, metavar="DIR", help="keep the twins' data here (a temporary folder)")
    csms = subcommand(commands, "csms", _csms, "run the embedded Central System alone", "Ctrl-C ends it.")
    csms.add_argument("--port", type=port, default=9000, metavar="N", help="its port (9000, or a free one)")
    csms.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where it listens (127.0.0.1); everybody may connect, so let others reach it only where that is meant",
    )
    csms.add_argument("--mqtt-url", metavar="URL", help="a broker over which it can be told to call stations")
    csms.add_argument("--mqtt-password-file", type=Path, metavar="FILE", help="a file with the password at that broker")


def _add_documents(commands: Any) -> None:
    schemas = subcommand(
        commands,
        "print-schemas",
        _print_schemas,
        "print the MQTT contract (AsyncAPI 3) and the JSON Schemas",
        "Without a name, one JSON object with all documents is printed.",
    )
    schemas.add_argument("name", nargs="?", choices=["asyncapi", "config", "payloads"], help="print this one only")
    schemas.add_argument("--dir", type=Path, metavar="DIR", help="write each to a file in this folder instead")
    subcommand(commands, "version", _version, "print the version")


def _add_tools(commands: Any) -> None:
    pub = subcommand(commands, "pub", _pub, "publish one MQTT message", _TOOL_NOTE)
    pub.add_argument("topic", help="such as ocpp-twin/garage/1/set/plugged")
    pub.add_argument("payload", nargs="?", default="", help="such as ON; nothing where left out")
    pub.add_argument("--retain", "-r", action="store_true", help="let the broker keep it")
    pub.add_argument(
        "--wait",
        type=float,
        metavar="S",
        help="listen so many seconds for a refusal, which is an exit code of 1 then (at a terminal 0.5, edges 2; "
        "in scripts 0, which does not listen)",
    )
    sub = subcommand(commands, "sub", _sub, "print MQTT messages as they come", _TOOL_NOTE)
    sub.add_argument("filters", nargs="*", metavar="FILTER", help="such as 'ocpp-twin/garage/#' (all of ocpp-twin)")
    sub.add_argument("--count", "-C", type=positive, metavar="N", help="end after so many messages")
    sub.add_argument("--timeout", "-W", type=float, metavar="S", help="end after so many seconds")
    sub.add_argument("--json", action="store_true", help="one JSON object a line: topic, payload, qos, retain")
    sub.add_argument("--no-retained", "-R", action="store_true", help="leave out what the broker kept")
    for parser in (pub, sub):
        parser.add_argument("--qos", "-q", type=int, choices=[0, 1, 2], default=1, help="quality of service (1)")
        add_broker(parser)


def documents() -> dict[str, Any]:
    """Return the documents of `print-schemas` by name."""
    from bridge import contract, payloads
    from config.settings import Settings

    return {
        "asyncapi": contract.asyncapi(),
        "config": {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()},
        "payloads": payloads.schemas(),
    }


def written(document: Any) -> str:
    """Write a document the way it stands in `config/schemas`."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


# --- The commands -----------------------------------------------------------------------------------------------------


def _run(given: argparse.Namespace) -> int:
    from bridge import app

    configured = configuration(given.config)
    if configured is None:
        return WRONG
    return app.run(configured, lambda: app.configuration(given.config))


def _check_config(given: argparse.Namespace) -> int:
    from bridge.mapping import building
    from bridge.masking import url
    from bridge.traffic import building as traffic

    configured = configuration(given.config)
    if configured is None:
        return WRONG
    settings = configured.settings
    evses = sum(len(twin.evses) for twin in configured.twins)
    print(f"configuration: {', '.join(configured.sources) or 'defaults'}")
    print(f"node: {settings.node}")
    print(f"broker: {url(settings.mqtt.url)}")
    print(f"store: {settings.store.url}")
    print(f"twins: {len(configured.twins)} with {evses} EVSEs")
    counts = {twin.id: len(twin.evses) for twin in configured.twins}
    mapped, _ = building.built(settings, counts)
    if mapped.inputs:
        print(f"inputs: {len(mapped.inputs)}, with those of {len(settings.devices)} devices")
    if settings.traffic:
        print(f"traffic: {traffic.forecast(settings, counts)}")
    for note in configured.notes:
        print(f"note: {note}")
    print("OK")
    return FINE


def _demo(given: argparse.Namespace) -> int:
    from bridge import demo

    return demo.main(given.mqtt_port, given.csms_port, given.files_port, given.data, given.http_port)


def _csms(given: argparse.Namespace) -> int:
    from bridge.demo import alone

    return alone.main(given.port, given.mqtt_url, host=given.host, password_file=given.mqtt_password_file)


def _print_schemas(given: argparse.Namespace) -> int:
    known = documents()
    found = known if given.name is None else {given.name: known[given.name]}
    if given.dir is None:
        print(written(found if given.name is None else found[given.name]), end="")
        return FINE
    try:
        given.dir.mkdir(parents=True, exist_ok=True)
        for name, document in found.items():
            (given.dir / f"{name}.json").write_text(written(document), encoding="utf-8")
    except OSError as error:
        say(f"ocpp-twin: cannot write to {given.dir}: {error.strerror}")
        return FAILED
    return FINE


def _version(given: argparse.Namespace) -> int:
    del given
    print(_installed())
    return FINE


def _installed() -> str:
    from importlib.metadata import version

    return version("ocpp-twin")


def _pub(given: argparse.Namespace) -> int:
    from bridge import objection, tool

    refused: list[str] = []

    async def publish(options: MqttOptions) -> None:
        curious = sys.stderr.isatty() if given.wait is None else given.wait > 0
        wait_s = objection.patience_s(given.topic, options.base_topic) if curious else None
        if curious and (doubt := objection.doubt(given.topic, options.base_topic)):
            say(f"ocpp-twin: {doubt}")
        if wait_s is not None and given.wait is not None:
            wait_s = given.wait
        said = await tool.publish(
            options, given.topic, given.payload, qos=given.qos, retain=given.retain, wait_s=wait_s
        )
        refused.extend([said] if said else [])
        if sys.stderr.isatty() and not said and (remark := objection.remark(given.topic, options.base_topic, said)):
            say(f"ocpp-twin: {remark}")

    code = _with_broker(given, publish)
    for said in refused:
        say(f"ocpp-twin: {said}")
    return FAILED if refused else code


def _sub(given: argparse.Namespace) -> int:
    from bridge import tool

    async def watch(options: MqttOptions) -> None:
        filters = given.filters or [f"{options.base_topic}/#"]
        wanted = tool.Watch(filters, given.qos, given.count, given.timeout, given.json, not given.no_retained)
        await tool.watch(options, wanted, sys.stdout)

    return _with_broker(given, watch)


def _with_broker(given: argparse.Namespace, job: Callable[[MqttOptions], Any]) -> int:
    import asyncio

    from bridge import tool

    options = broker(given)
    if options is None:
        return WRONG
    try:
        asyncio.run(job(options))
    except tool.NoBroker as error:
        say(f"ocpp-twin: {error}")
        return FAILED
    except ValueError as error:
        say(f"ocpp-twin: {error}")
        return WRONG
    return FINE
