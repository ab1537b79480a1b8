"""Stand-ins for programs that change a whole machine: they look whether what they are asked for makes sense here.

python stand_ins NAME [ARGUMENT…]; without a name it prints the names. SNIPPETS_ROOT stands for `/`, SNIPPETS_CHECKOUT
is the checkout. They import nothing of the product.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from asked import CHECKOUT, Wrong, expect, real_path, words
from containers import docker, kubectl
from mosquitto import mosquitto, mosquitto_client
from packages import npm, package_manager, pipx, python3, venv_pip, venv_python
from units import journalctl, systemctl, systemd_analyze


def git(arguments: Sequence[str]) -> None:
    if list(arguments) == ["pull"]:
        return
    expect(arguments[0] == "clone", f"git {arguments[0]}")
    *_, folder = words(arguments)
    Path(folder).symlink_to(CHECKOUT)


def make(arguments: Sequence[str]) -> None:
    """Say what would be done; a target that does not exist is an error of make's own. The demo is started."""
    if list(arguments) == ["demo"]:
        os.execvpe("make", ["make", "demo"], real_path())
    done = subprocess.run(["/usr/bin/env", "make", "--dry-run", *arguments], env=real_path(), check=False)
    expect(done.returncode == 0, f"make {arguments}")


def sudo(arguments: Sequence[str]) -> None:
    given = list(arguments)
    while given and given[0].startswith("-"):
        given = given[2:] if given[0] in ("-u", "-g") else given[1:]
    os.execvp(given[0], given)


def curl(arguments: Sequence[str]) -> None:
    """Ask this machine for real, and nobody else."""
    for url in (
        word for word in arguments if word.startswith(("http://", "https://")) or re.match(r"localhost|127\.", word)
    ):
        host = re.sub(r"^https?://", "", url)
        if not host.startswith(("localhost", "127.0.0.1")):
            continue
        try:
            with urllib.request.urlopen(url if "://" in url else f"http://{url}", timeout=10) as answer:
                sys.stdout.write(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            sys.stdout.write(error.read().decode("utf-8", "replace"))
            expect(not any(re.match(r"-\w*f|--fail", word) for word in arguments), f"curl {url}: {error.code}")


def files_exist(arguments: Sequence[str]) -> None:
    for word in words(arguments):
        expect("/" not in word or Path(word).exists(), f"there is no {word}")


def install(arguments: Sequence[str]) -> None:
    """Be the real one, but for owners that this machine does not know."""
    given: list[str] = []
    skip = False
    for word in arguments:
        if (
            not skip
            and word not in ("-o", "-g", "--owner", "--group")
            and not word.startswith(("--owner=", "--group="))
        ):
            given.append(word)
        skip = word in ("-o", "-g", "--owner", "--group")
    program = shutil.which("install", path="/usr/bin:/bin")
    expect(program, "install")
    done = subprocess.run([str(program), *given], check=False)
    expect(done.returncode == 0, f"install {arguments}")


def chown(arguments: Sequence[str]) -> None:
    for word in words(arguments)[1:]:
        expect(Path(word).exists(), f"there is no {word}")


def accept(arguments: Sequence[str]) -> None:
    """Take what has no bearing on this product."""


PROGRAMS: dict[str, Callable[[Sequence[str]], None]] = {
    **dict.fromkeys(("apt", "apt-get", "dnf", "brew"), package_manager),
    **dict.fromkeys(("node-red", "useradd", "adduser", "groupadd", "usermod", "hass", "ufw", "timedatectl"), accept),
    **dict.fromkeys(("promtool", "amtool"), files_exist),
    **dict.fromkeys(("chown", "chgrp"), chown),
    "curl": curl,
    "docker": docker,
    "git": git,
    "install": install,
    "journalctl": journalctl,
    "kubectl": kubectl,
    "make": make,
    "mosquitto": mosquitto,
    "mosquitto_pub": mosquitto_client("mosquitto_pub"),
    "mosquitto_sub": mosquitto_client("mosquitto_sub"),
    "npm": npm,
    "pipx": pipx,
    "python3": python3,
    "sudo": sudo,
    "systemctl": systemctl,
    "systemd-analyze": systemd_analyze,
    "systemd-creds": accept,
    "venv-pip": venv_pip,
    "venv-python": venv_python,
    "venv-python3": venv_python,
}


def main(arguments: Sequence[str]) -> int:
    """Run one stand-in; return its exit code."""
    if not arguments:
        print(*PROGRAMS)
        return 0
    name, *given = arguments
    try:
        PROGRAMS[name](given)
    except (Wrong, IndexError, ValueError, StopIteration) as wrong:
        print(f"{name}: not so: {wrong}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
