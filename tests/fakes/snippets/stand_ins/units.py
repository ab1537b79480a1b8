"""Stand-ins for systemd's programs: does the unit exist?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from asked import CHECKOUT, ROOT, expect, words

FOREIGN_UNITS = {"mosquitto", "prometheus", "grafana-server", "docker", "systemd-journald", "systemd-timesyncd"}
UNIT_VERBS = {
    *("start", "stop", "restart", "reload", "enable", "disable", "status", "show", "edit", "cat", "kill", "mask"),
    *("is-active", "is-enabled", "reset-failed", "try-restart"),
}


def known_unit(name: str) -> bool:
    stem = name.removesuffix(".service").removesuffix(".timer")
    if stem in FOREIGN_UNITS or stem.endswith(".target"):
        return True
    template = re.sub(r"@.*", "@", stem)
    ours = [CHECKOUT / "docker/systemd", ROOT / "etc/systemd/system"]
    ending = ".timer" if name.endswith(".timer") else ".service"
    return any((folder / f"{template}{ending}").exists() for folder in ours)


def systemctl(arguments: Sequence[str]) -> None:
    verb, *units = words(arguments)
    if verb in ("daemon-reload", "list-units", "--version"):
        return
    expect(verb in UNIT_VERBS, f"systemctl {verb}")
    if verb == "kill":
        units = [unit for unit in units if not unit.startswith("SIG")]
    expect(units, f"systemctl {verb}: no unit")
    for unit in units:
        expect(known_unit(unit), f"there is no unit {unit}")
    if verb in ("start", "restart") or "--now" in arguments:
        for unit in units:
            make_state_folder(unit)


def make_state_folder(name: str) -> None:
    """Make the folder of a unit of ours, as systemd does when it starts it."""
    stem, _, instance = name.removesuffix(".service").partition("@")
    unit = ROOT / "etc/systemd/system" / f"{stem}{'@' if instance else ''}.service"
    if unit.exists() and (found := re.search(r"^StateDirectory=(.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)):
        (ROOT / "var/lib" / found[1].replace("%i", instance)).mkdir(parents=True, exist_ok=True)


def journalctl(arguments: Sequence[str]) -> None:
    for before, word in zip(["", *arguments], arguments, strict=False):
        if before in ("-u", "--unit"):
            expect(known_unit(word), f"there is no unit {word}")
        if word.startswith(("-u", "--unit=")) and word != "-u":
            expect(known_unit(word.removeprefix("--unit=").removeprefix("-u")), f"there is no unit in {word}")


def systemd_analyze(arguments: Sequence[str]) -> None:
    verb, *units = words(arguments)
    expect(verb in ("security", "verify", "cat-config", "condition"), f"systemd-analyze {verb}")
    for unit in units:
        expect(known_unit(unit) or Path(unit).exists(), f"there is no unit {unit}")
