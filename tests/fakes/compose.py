"""What docker/compose.yaml starts, outside of containers: its own files, with a test's paths and ports in them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from fakes.mosquitto import Mosquitto

from config.settings import Settings

DOCKER = Path(__file__).parents[2] / "docker"
FILE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]


def mounts(service: str) -> dict[str, str]:
    """Return what a service mounts: the source by the place where it sees it."""
    split = [volume.split(":") for volume in SERVICES[service].get("volumes", [])]
    return {parts[1]: parts[0] for parts in split}


def environment(service: str) -> dict[str, str]:
    return dict(SERVICES[service].get("environment", {}))


def variables() -> set[str]:
    """Return the names of the environment variables that are settings of the daemon."""
    schema = Settings.model_json_schema()

    def below(node: dict[str, Any], prefix: str) -> Iterator[str]:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
        for name, inner in node.get("properties", {}).items():
            yield f"{prefix}__{name.upper()}"
            yield from below(inner, f"{prefix}__{name.upper()}")

    return set(below(schema, "OCPP_TWIN"))


class Passwords:
    """Be what the service `setup` makes in a folder; `folder(service)` is what that one sees as /secrets."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        for place, source in mounts("setup").items():
            there = root / place.lstrip("/")
            if source in FILE["volumes"]:
                there.mkdir(parents=True)
            else:
                shutil.copy(DOCKER / source, there)

    def run(self, *arguments: str, given: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the script of the service."""
        return subprocess.run(
            ["sh", DOCKER / "setup.sh", *arguments],
            env=os.environ | {"SETUP_ROOT": str(self.root)},
            input=given,
            capture_output=True,
            text=True,
            timeout=30,
            check=check,
        )

    def folder(self, service: str) -> Path:
        """Return the folder with what a service is given, found by the volume that both of them mount."""
        volume = mounts(service)["/secrets"]
        place = next(place for place, source in mounts("setup").items() if source == volume)
        return self.root / place.lstrip("/")

    def of(self, name: str) -> str:
        """Return a password."""
        return self.run("show", name).stdout.rstrip("\n")


def broker(folder: Path, passwords: Passwords) -> Mosquitto:
    """Make the broker of compose.yaml, not yet started."""

    def configuration(port: int) -> str:
        text = (DOCKER / "mosquitto.conf").read_text(encoding="utf-8")
        for what, instead in {
            "listener 1883\n": f"listener {port} 127.0.0.1\n",
            "/secrets/passwords": f"{passwords.folder('mosquitto')}/passwords",
            "/secrets/acl": f"{passwords.folder('mosquitto')}/acl",
            "/mosquitto/data/": f"{folder}/",
            "log_dest stdout": "log_dest stderr",
        }.items():
            assert text.count(what) == 1
            text = text.replace(what, instead)
        return text + "user root\n"

    return Mosquitto(folder, whole=configuration)
