"""The colours of `watch`, on its dark background; terminals with fewer colours take the nearest ones."""

from __future__ import annotations

GOOD = "#7ec96f"
WARN = "#f0b84a"
BAD = "#ff6b6b"
FLOW = "#4cc9e0"
AREA = "#2090a8"
PAUSED = "#d78fe6"
BOOKED = "#7aa2f7"
DIM = "#8f969c"
KEY = "bold #e8cf72"

FRAMES = {"sent": FLOW, "received": "#b39df3", "ERROR": BAD}
"""Colours of OCPP frames, by direction; errors have one of their own."""
