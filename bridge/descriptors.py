"""How many files this process may have open: each twin's connection is one."""

from __future__ import annotations

import resource

_SPARE = 64


class TooFewFiles(Exception):
    """Say that the twins need more connections than the system lets this process have."""


def needed_for(twins: int) -> int:
    """Return how many files so many twins need open."""
    return twins + _SPARE


def make_room_for(twins: int) -> None:
    """Raise the limit of file descriptors as far as these twins need; raises TooFewFiles if it cannot be had."""
    needed = needed_for(twins)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise TooFewFiles(
            f"{twins} twins need {needed} open files, but this process may have {hard}: raise the limit "
            f"(ulimit -n {needed}; LimitNOFILE={needed} in a systemd unit), or run fewer twins in it"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
