"""What all twins of a fleet share: the time, the disk, the network, and whom to tell."""

from __future__ import annotations

from dataclasses import dataclass

from twin.fleet.batches import Batches
from twin.fleet.clock import Clock
from twin.fleet.counters import Tally
from twin.fleet.deadlines import Deadlines
from twin.fleet.files import Files
from twin.fleet.jobs import Jobs
from twin.fleet.ports import Listener, StartStation
from twin.fleet.uplink import Links
from twin.store.port import Store


@dataclass(frozen=True, slots=True)
class Shell:
    """Hand a twin what it needs of the world."""

    clock: Clock
    store: Store
    batches: Batches
    deadlines: Deadlines
    links: Links
    listener: Listener
    tally: Tally
    files: Files
    jobs: Jobs
    start: StartStation
