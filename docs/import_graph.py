"""Draws which package imports which, in Mermaid, from the imports that stand in the code.

An arrow that a longer way says already is left out; so the picture shows the order of the layers. What nearly
everybody imports says nothing about that order, and is left out as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOPS = ("twin", "config", "bridge")
OWN_NODES = ("twin.station", "bridge.app", "bridge.cli")
"""Modules that are drawn for themselves, because they join packages."""
LEFT_OUT = ("twin.errors", "twin.turn", "bridge.__main__", "twin")
LAYERS = (
    ("L4, joins the parts", ("bridge.cli", "bridge.demo", "bridge.doctor", "bridge.watching", "bridge.app")),
    ("L3, MQTT and settings", ("bridge", "config")),
    ("L2, sockets, files and threads", ("twin.fleet", "twin.link", "twin.store")),
    ("L1, wire formats", ("twin.station", "twin.ocpp")),
    ("L0, the charge box", ("twin.model", "twin.crypto")),
)

Graph = Mapping[str, frozenset[str]]


def text() -> str:
    """Return the diagram as a fenced block."""
    return "\n".join(["```mermaid", *lines(reduced(graph())), "```", ""])


def lines(drawn: Graph) -> Iterator[str]:
    """Yield the lines of the diagram."""
    yield "flowchart TD"
    for index, (title, members) in enumerate(LAYERS):
        yield f'    subgraph L{4 - index} ["{title}"]'
        yield from (f"        {_id(node)}[{node}]" for node in sorted(drawn) if _layer(node) == members)
        yield "    end"
    for node in sorted(drawn):
        for other in sorted(drawn[node]):
            if node not in drawn[other]:
                yield f"    {_id(node)} --> {_id(other)}"
            elif node < other:
                yield f"    {_id(node)} <--> {_id(other)}"


def modules() -> dict[str, Path]:
    """Return all modules of the product by name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for top in TOPS
        for path in sorted((ROOT / top).rglob("*.py"))
    }


def package(module: str, known: Mapping[str, Path]) -> str:
    """Return the package that a module belongs to, or the module where it is drawn for itself."""
    if module in OWN_NODES or module in LEFT_OUT:
        return module
    is_package = known[module].name == "__init__.py"
    return module if is_package else module.rpartition(".")[0]


def graph() -> Graph:
    """Return which package imports which others."""
    known = modules()
    found: dict[str, set[str]] = {}
    for module, path in known.items():
        node = _node(package(module, known))
        for target in (package(name, known) for name in _imported(path, known)):
            other = _node(target)
            if node not in LEFT_OUT and other not in LEFT_OUT and other != node:
                found.setdefault(node, set()).add(other)
                found.setdefault(other, set())
    return {node: frozenset(others) for node, others in found.items()}


def reduced(whole: Graph) -> Graph:
    """Leave out the arrows whose ends are joined by a longer way, too; a circle counts as no way."""
    return {
        node: frozenset(
            other
            for other in others
            if not any(
                _reaches(whole, via, other) and not (_are_mutual(whole, node, via) or _are_mutual(whole, via, other))
                for via in others - {other}
            )
        )
        for node, others in whole.items()
    }


def _are_mutual(whole: Graph, one: str, other: str) -> bool:
    return _reaches(whole, one, other) and _reaches(whole, other, one)


def _reaches(whole: Graph, start: str, end: str) -> bool:
    seen, open_nodes = set[str](), [start]
    while open_nodes:
        node = open_nodes.pop()
        if node == end:
            return True
        if node not in seen:
            seen.add(node)
            open_nodes += whole.get(node, ())
    return False


def _imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    # What is imported late, inside a function, is there for a fast start, and says nothing about the order either.
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names if alias.name in known)
            case ast.ImportFrom(module=str() as origin, names=names) if origin.split(".")[0] in TOPS:
                deeper = (f"{origin}.{alias.name}" for alias in names)
                yield from (name if name in known else origin for name in deeper)
            case _:
                pass


def _node(name: str) -> str:
    """Join sub-packages of a core package with it: what is inside is nobody else's business."""
    parts = name.split(".")
    return name if name in OWN_NODES else ".".join(parts[:2])


def _layer(node: str) -> tuple[str, ...]:
    for _, members in LAYERS:
        if node in members:
            return members
    top = node.split(".", maxsplit=1)[0]
    return next(members for _, members in LAYERS if top in members)


def _id(node: str) -> str:
    return node.replace(".", "_")
