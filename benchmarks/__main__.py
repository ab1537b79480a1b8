"""Measure and print: `make bench`, or `python -m benchmarks --quick` for a first look."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import plots, report
from benchmarks.goals import medians
from benchmarks.parts import PARTS
from benchmarks.processes import Failed
from benchmarks.scene import PHASES, Figures, Load
from docs import pages

_FILES = 25_000
_RESULTS = Path(__file__).parent / "results"
_ALWAYS = ("memory", "boot", "discovery", "stop")
"""What is measured of every fleet, whatever else is asked of it."""


@dataclass(frozen=True, slots=True)
class Step:
    """Be something to measure: a part, with so many twins (0: it has none), under this load; some only `once`."""

    part: str
    count: int
    load: Load
    once: bool = False

    @property
    def name(self) -> str:
        """Return what its figures are called by."""
        return f"{self.part}/{self.count}" if self.count else self.part


def main() -> int:
    """Run the rounds in turn, print the tables, and keep them where it was asked for."""
    given = arguments()
    busy = [os.getloadavg()[0]]
    try:
        _make_room()
        steps = plan(given)
        rounds = measured(steps, given.rounds or (1 if given.quick else 2), given.minutes)
        busy.append(os.getloadavg()[0])
        found = report.document(rounds, steps[-1].load, busy)
    except (Failed, TimeoutError) as error:
        print(f"benchmark: {str(error) or 'nothing happened in time'}", file=sys.stderr)
        return 1
    print(f"\n{report.page(found)}")
    if given.write:
        names = plots.draw(medians(found), _RESULTS, found["at"])
        print(f"Kept as {report.write(found, _RESULTS, names).name}")
        (pages.ROOT / "README.md").write_text(pages.page("README.md"), encoding="utf-8")
    return 0


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line, or these words."""
    names = (*PARTS, *PHASES, *_ALWAYS)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 twins, one short round")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], metavar="A,B", help=", ".join(names))
    parser.add_argument("--twins", type=int, default=None, metavar="N", help="number of twins (10000)")
    parser.add_argument("--sweep", type=int, nargs="*", default=None, metavar="N", help="other numbers (100 1000 3000)")
    parser.add_argument("--rounds", type=int, default=None, metavar="N", help="rounds of each part (2)")
    parser.add_argument("--minutes", type=float, default=5.0, metavar="M", help="begin nothing again after so long (5)")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {_RESULTS.name}/ and in the README")
    given = parser.parse_args(words)
    unknown = set(given.only) - set(names)
    if unknown:
        parser.error(f"--only knows {', '.join(names)}, and not {', '.join(sorted(unknown))}")
    return given


def plan(given: argparse.Namespace) -> list[Step]:
    """Return what is measured in a round, in its order: the part, the number of twins, the load."""
    load = Load(exchanges=400, commands=100, seconds=2.0, settle_s=1.0) if given.quick else Load()
    twins = given.twins or (100 if given.quick else 10_000)
    few = min(twins, 1_000)
    chosen = set(given.only) or set(PARTS)
    counts = {"tls": few, "isolation": few, "day": max(1, few // 5)}
    # What takes the longest comes last, so that the others are measured again in any case.
    steps = [Step(name, counts.get(name, 0), load) for name in PARTS if name in chosen and name != "fleet"]
    phases = chosen & set(PHASES)
    if "fleet" in chosen or phases or chosen & set(_ALWAYS):
        full = replace(load, phases=frozenset(PHASES if "fleet" in chosen else phases))
        short = replace(full, seconds=load.seconds / 2, phases=full.phases - {"meters"})
        others = ([] if given.quick else [100, 1_000, 3_000]) if given.sweep is None else given.sweep
        steps += [Step("fleet", count, short, once=True) for count in others if count < twins]
        steps.append(Step("fleet", twins, full))
    return steps


def measured(steps: Sequence[Step], times: int, minutes: float) -> dict[str, list[Figures]]:
    """Measure each step so many times, one after the other, as long as there is time; the first time in any case."""
    until = time.monotonic() + minutes * 60
    found: dict[str, list[Figures]] = {}
    for step in [step for step in steps if not step.once] * times + [step for step in steps if step.once]:
        began, rounds = time.monotonic(), found.setdefault(step.name, [])
        if rounds and began > until:
            continue
        with tempfile.TemporaryDirectory(prefix="ocpp-twin-bench-") as folder:
            rounds.append(PARTS[step.part](step.count, step.load, Path(folder)))
        print(f"{step.name}, round {len(rounds)}: {time.monotonic() - began:.0f} s", flush=True)
    return found


def _make_room() -> None:
    """Let this process and those that it starts open enough files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main())
