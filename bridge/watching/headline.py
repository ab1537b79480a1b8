"""The lines above the table: what is connected to what, and the sums of the fleet; and what to say while it is empty.

Makes texts of what is known; it draws nothing.
"""

from __future__ import annotations

from rich.text import Text

from bridge.watching import looks, palette
from bridge.watching.knowledge import Knowledge, Node, Totals
from bridge.watching.ports import Link
from bridge.watching.shapes import Info

_PATIENCE_S = 3.0
_LINKS = {"connecting": ("◌", palette.WARN), "connected": ("●", palette.GOOD), "lost": ("○", palette.BAD)}
_MANY_NODES = 3


def connections(known: Knowledge, link: Link, address: str) -> Text:
    """Say how it stands with the broker and the nodes."""
    sign, style = _LINKS[link.state]
    version = f", MQTT {link.version}" if link.state == "connected" else ""
    words = {"connecting": "connecting", "connected": f"connected{version}", "lost": "lost"}[link.state]
    text = Text.assemble(("ocpp-twin", "bold"), f"  {address} ", (f"{sign} {words}", style))
    if len(known.nodes) > _MANY_NODES:
        online = sum(bool(node.online) for node in known.nodes.values())
        return text.append(f"  {online} of {len(known.nodes)} nodes online", palette.GOOD if online else palette.BAD)
    for name, node in sorted(known.nodes.items()):
        text.append(f"  {name} ").append(*_node(node))
    return text


def _node(node: Node) -> tuple[str, str]:
    if node.online:
        return f"● online{'' if node.info is None else _peculiar(node.info)}", palette.GOOD
    return ("○ offline", palette.BAD) if node.online is False else ("◌ unknown", palette.WARN)


def _peculiar(info: Info) -> str:
    rate = "" if info.clock_rate == 1 else f", time × {info.clock_rate:g}"
    missed = {"fleet": ", profile fleet: meters seldom", "quiet": ", profile quiet: no limits, no meters unless set"}
    return rate + missed.get(info.profile, "")


def sums(known: Knowledge) -> Text:
    """Sum the fleet up."""
    found = known.totals()
    text = Text.assemble((looks.plural(found.twins, "twin"), "bold"))
    if found.running < found.twins:
        text.append(f"  {found.running:,} running", palette.BAD)
    text.append(f"  {found.connected:,} connected", _style_of_connected(found))
    text.append(f"  {found.charging:,} charging", palette.FLOW if found.charging else palette.DIM)
    text.append(f"  {looks.power(found.power_w)}", f"bold {palette.FLOW}" if found.power_w else palette.DIM)
    if found.faulted:
        text.append(f"  {found.faulted:,} faulted", f"bold {palette.BAD}")
    return text.append(f"  {found.queued:,} queued", palette.WARN if found.queued else palette.DIM)


def _style_of_connected(found: Totals) -> str:
    if not found.twins:
        return palette.DIM
    return palette.GOOD if found.connected == found.running else palette.WARN if found.connected else palette.BAD


def banner(link: Link) -> str:
    """Say what is wrong with the connection; nothing where all is well."""
    if link.state == "lost":
        return f"{link.reason}. Trying again; what is shown is what was known."
    return link.reason


def emptiness(known: Knowledge, link: Link, root: str, address: str, now: float) -> Text:
    """Say what is waited for, and what to check when it does not come."""
    if link.state != "connected":
        if link.state == "lost":
            return _said(f"There is no connection to {address}", [link.reason, "Trying again."])
        return _said(f"Connecting to {address}", [])
    waited = now - link.since
    if not known.nodes and waited < _PATIENCE_S:
        return _said(f"Connected. Waiting for what daemons publish below {root}/", [])
    if not known.nodes:
        return _said(
            f"Nothing is published below {root}/",
            [
                "Does the daemon run? ocpp-twin run starts it, ocpp-twin demo plays with three twins.",
                f"Does it use this broker, {address}?",
                f"Is its mqtt.base_topic {root!r}? If not: ocpp-twin watch --base-topic NAME",
                f"May this user read {root}/# by the broker's access list?",
            ],
        )
    nodes = ", ".join(sorted(known.nodes))
    if any(node.online for node in known.nodes.values()):
        if waited < _PATIENCE_S:
            return _said(f"The daemon {nodes} is online. Waiting for its twins", [])
        return _said(
            f"The daemon {nodes} is online and shows no twins",
            [
                "Write some under `twins` in its configuration, then reload it (SIGHUP or request/reload),",
                f"or add one over MQTT: {root}/bridge/{next(iter(known.nodes))}/request/add_twin",
                f"Or may this user not read {root}/+/state by the broker's access list?",
            ],
        )
    return _said(f"The daemon {nodes} is offline", ["Its twins appear as soon as it runs: ocpp-twin run"])


def _said(first: str, hints: list[str]) -> Text:
    text = Text(first, "bold", justify="center")
    for number, hint in enumerate(hints):
        text.append("\n\n" if not number else "\n").append(hint, "not bold")
    return text
