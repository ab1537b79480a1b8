"""How findings look: lines for people, with colours at a terminal, or JSON for machines."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TextIO

from bridge.doctor.findings import Finding, Verdict

_COLOURS = {Verdict.OK: "\x1b[32m", Verdict.NOTE: "\x1b[33m", Verdict.WRONG: "\x1b[31m"}
_PLAIN = "\x1b[0m"
_WIDTH = 15


class Report:
    """Write findings as they come, and count them."""

    def __init__(self, output: TextIO, *, as_json: bool) -> None:
        self._output = output
        self._json = as_json
        self._colours = output.isatty() and "NO_COLOR" not in os.environ
        self._findings: list[Finding] = []

    @property
    def is_fine(self) -> bool:
        """Tell whether nothing is wrong."""
        return all(finding.verdict is not Verdict.WRONG for finding in self._findings)

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings, and show them at once to people."""
        for finding in findings:
            self._findings.append(finding)
            if not self._json:
                print(line(finding, colours=self._colours), file=self._output, flush=True)

    def end(self) -> None:
        """Write the sum of it."""
        if self._json:
            found = {"ok": self.is_fine, "findings": [asdict(finding) for finding in self._findings]}
            print(json.dumps(found, indent=2, ensure_ascii=False), file=self._output)
        else:
            print(f"\n{summary(self._findings)}", file=self._output)


def line(finding: Finding, *, colours: bool) -> str:
    """Write a finding as a line, with what to do about it below."""
    verdict = f"{finding.verdict:<5}"
    shown = f"{_COLOURS[finding.verdict]}{verdict}{_PLAIN}" if colours else verdict
    text = f"{shown} {finding.what:<{_WIDTH}} {finding.said}"
    if finding.remedy is None:
        return text
    return f"{text}\n{'':<{len(verdict) + _WIDTH + 1}} -> {finding.remedy}"


def summary(findings: Sequence[Finding]) -> str:
    """Say how many there are of each kind."""
    count = Counter(finding.verdict for finding in findings)
    if not count[Verdict.WRONG]:
        notes = count[Verdict.NOTE]
        return f"Nothing is wrong{f', {notes} to note' if notes else ''}."
    return f"{count[Verdict.WRONG]} wrong, {count[Verdict.NOTE]} to note, {count[Verdict.OK]} ok."
