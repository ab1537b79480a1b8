"""Measure and print: `make bench`, or `python -m benchmarks --quick` for a first look."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report, rounds
from benchmarks.processes import Failed
from benchmarks.rounds import Figures, Load

_FULL, _QUICK = (1_000, 10_000), (100,)
_FILES = 25_000
_RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run the rounds in A B A B order, print the table, and keep it where it was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 twins, one short round")
    parser.add_argument("--twins", type=int, nargs="+", metavar="N", help="numbers of twins (1000 10000)")
    parser.add_argument("--rounds", type=int, default=None, metavar="N", help="rounds of each (2)")
    parser.add_argument("--minutes", type=float, default=5.0, metavar="M", help="begin no round after so long (5)")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {_RESULTS.name}/")
    given = parser.parse_args()
    counts = given.twins or (_QUICK if given.quick else _FULL)
    times = given.rounds or (1 if given.quick else 2)
    load = Load(exchanges=400, plugs=100, seconds=2.0, settle_s=1.0) if given.quick else Load()
    try:
        _make_room()
        found = report.document(_measured(counts, times, load, given.minutes), load)
    except (Failed, TimeoutError) as error:
        print(f"benchmark: {str(error) or 'nothing happened in time'}", file=sys.stderr)
        return 1
    print(f"\n{report.page(found)}")
    if given.write:
        print(f"Kept as {report.write(found, _RESULTS).name}")
    return 0


def _measured(counts: tuple[int, ...], times: int, load: Load, minutes: float) -> dict[int, dict[str, list[Figures]]]:
    until = time.monotonic() + minutes * 60
    found: dict[int, dict[str, list[Figures]]] = {}
    for number in range(times):
        for count in counts:
            if number and time.monotonic() > until:
                print(f"no time for round {number + 1} with {count:,}")
                continue
            kinds = found.setdefault(count, {"bare": [], "daemon": []})
            for kind, measure in (("bare", rounds.bare), ("daemon", rounds.daemon)):
                began = time.monotonic()
                with tempfile.TemporaryDirectory(prefix="ocpp-twin-bench-") as folder:
                    kinds[kind].append(measure(count, load, Path(folder)))
                print(f"round {number + 1}: {count:,} {kind}, {time.monotonic() - began:.0f} s", flush=True)
    return found


def _make_room() -> None:
    """Let this process and those that it starts open enough files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


sys.exit(main())
