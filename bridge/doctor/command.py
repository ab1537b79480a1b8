"""The command line of the examination. Loads nothing before it is asked to."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from bridge.arguments import CONFIG_NOTE, FAILED, FINE, WRONG, add_config
from bridge.subcommands import subcommand

_NOTE = (
    "It disturbs nothing, and may run beside the daemon. Exit codes: 0 nothing is wrong, 1 something is, 2 the "
    f"configuration or the usage is wrong. {CONFIG_NOTE}"
)


def add(commands: Any) -> None:
    """Add `doctor` to the commands of the program."""
    parser = subcommand(commands, "doctor", _doctor, "say what is wrong with what the daemon needs", _NOTE)
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object: ok, findings")
    parser.add_argument(
        "--connect",
        action="store_true",
        help="open a WebSocket to the Central System even while the daemon runs, which may end that of its twin",
    )


def _doctor(given: argparse.Namespace) -> int:
    import asyncio

    from bridge import app
    from bridge.doctor import examination, machine
    from bridge.doctor.findings import wrong
    from bridge.doctor.report import Report
    from config.problems import ConfigError

    report = Report(sys.stdout, as_json=given.json)
    try:
        configured = app.configuration(given.config)
    except ConfigError as error:
        report.add(wrong("configuration", str(problem).removeprefix("configuration: ")) for problem in error.problems)
        report.add([machine.software(), machine.clock()])
        report.end()
        return WRONG
    asyncio.run(examination.examine(configured, report, connect=given.connect))
    report.end()
    return FINE if report.is_fine else FAILED
