"""All twins of a process: feeds them inputs, and carries out what they want in one fixed order.

This is the façade: whoever runs twins imports from here and needs nothing below it.
"""

from twin.fleet.clock import Clock
from twin.fleet.counters import OTHER, Counters, Tally
from twin.fleet.files import Files
from twin.fleet.fleet import Fleet
from twin.fleet.histogram import Histogram
from twin.fleet.ports import Actuator, FleetOptions, Listener
from twin.link.bounds import Bounds
from twin.store.port import Contents, Receipt
from twin.turn import CallOutcome, Frame

__all__ = [
    "OTHER",
    "Actuator",
    "Bounds",
    "CallOutcome",
    "Clock",
    "Contents",
    "Counters",
    "Files",
    "Fleet",
    "FleetOptions",
    "Frame",
    "Histogram",
    "Listener",
    "Receipt",
    "Tally",
]
