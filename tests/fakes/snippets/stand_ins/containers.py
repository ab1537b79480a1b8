"""Stand-ins for what runs containers: do files, services, profiles and our commands in them exist?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from asked import expect, our_command

WITH_VALUE = {
    *("--file", "-f", "--profile", "--project-name", "-p", "--env-file", "--project-directory", "--tag", "-t"),
    *("--volume", "-v", "--env", "-e", "--name", "--publish", "--user", "-u", "--network", "--platform", "--mount"),
    *(
        "--tail",
        "--since",
        "--build-arg",
        "--target",
        "--tmpfs",
        "--cap-drop",
        "--security-opt",
        "--entrypoint",
        "--scale",
    ),
    *("--namespace", "-n", "--kustomize", "-k", "--timeout", "-o", "--output", "--from-file", "--from-literal", "-l"),
    *(
        "--stop-timeout",
        "--restart",
        "--ulimit",
        "--health-cmd",
        "--workdir",
        "-w",
        "--index",
        "--pull",
        "--wait-timeout",
        "--signal",
    ),
}


def split(arguments: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return options with their values, and what is none."""
    options: list[tuple[str, str]] = []
    rest: list[str] = []
    given = iter(arguments)
    for word in given:
        if word == "--":
            rest += ["--", *given]
        elif not word.startswith("-"):
            rest.append(word)
        elif "=" in word:
            options.append((word.split("=", 1)[0], word.split("=", 1)[1]))
        else:
            options.append((word, next(given, "") if word in WITH_VALUE else ""))
    return options, rest


def docker(arguments: Sequence[str]) -> None:
    if arguments[0] == "compose":
        compose(arguments[1:])
        return
    options, rest = split(arguments)
    verbs = {
        "build",
        "buildx",
        "run",
        "exec",
        "logs",
        "ps",
        "stop",
        "start",
        "restart",
        "kill",
        "inspect",
        "pull",
        "load",
    }
    expect(
        rest[0] in {*verbs, "images", "volume", "rm", "cp", "info", "version", "save", "image", "push"},
        f"docker {rest[0]}",
    )
    if "build" in rest[:2]:
        for name, value in options:
            expect(name not in ("--file", "-f") or Path(value).is_file(), f"there is no {value}")
        expect(Path(rest[-1]).is_dir(), f"there is no folder {rest[-1]}")
    our_command(rest)


def compose(arguments: Sequence[str]) -> None:
    options, rest = split(arguments)
    named = [Path(value) for name, value in options if name in ("--file", "-f")]
    files = named or [path for path in (Path("compose.yaml"), Path("docker-compose.yml")) if path.exists()]
    expect(files, "no compose file")
    services: dict[str, Any] = {}
    for file in files:
        expect(file.is_file(), f"there is no {file}")
        services |= yaml.safe_load(file.read_text(encoding="utf-8")).get("services", {})
    profiles = {one for service in services.values() for one in service.get("profiles", [])}
    for name, value in options:
        expect(
            name != "--profile" or value in profiles or value == "*", f"a profile {value}; there are {sorted(profiles)}"
        )
    verbs = {"up", "down", "ps", "logs", "exec", "run", "build", "config", "restart", "pull", "stop", "start", "kill"}
    expect(rest and rest[0] in {*verbs, "cp", "top"}, f"docker compose {rest}")
    verb, *names = rest
    if verb in ("exec", "run", "kill"):
        names = names[:1]
    for name in names if verb != "cp" else []:
        expect(name in services, f"a service {name}; there are {sorted(services)}")
    our_command(rest)


def kubectl(arguments: Sequence[str]) -> None:
    options, rest = split(arguments)
    for name, value in options:
        if name in ("-f", "--filename"):
            expect(Path(value).exists(), f"there is no {value}")
        if name in ("-k", "--kustomize"):
            expect((Path(value) / "kustomization.yaml").exists(), f"there is no {value}/kustomization.yaml")
        if name == "--from-file":
            expect(Path(value.split("=")[-1]).exists(), f"there is no {value}")
    verbs = {"apply", "get", "logs", "create", "delete", "rollout", "exec", "describe", "port-forward", "kustomize"}
    expect(rest and rest[0] in verbs, f"kubectl {rest}")
    our_command(rest)
