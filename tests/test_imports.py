"""The layers, as docs/explanation/architecture.md draws them: arrows go down only, and the core stays pure."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

IMPURE = {
    *("asyncio", "time", "random", "os", "socket", "ssl", "sqlite3", "threading"),
    *("logging", "structlog", "websockets", "aiomqtt", "paho", "pydantic", "aiohttp", "aioftp", "jinja2"),
}
PURE = ("twin.crypto.certificates", "twin.errors", "twin.model", "twin.turn", "twin.ocpp", "twin.station")

MAY_IMPORT = {
    "twin": (),
    "twin.errors": (),
    "twin.model": ("twin.crypto.certificates", "twin.errors", "twin.model"),
    "twin.crypto": ("twin.crypto", "twin.errors"),
    "twin.crypto.certificates": ("twin.errors",),
    "twin.turn": ("twin.model",),
    "twin.ocpp": ("twin.errors", "twin.model", "twin.ocpp", "twin.turn"),
    "twin.station": ("twin.errors", "twin.model", "twin.ocpp", "twin.turn"),
    "twin.link": ("twin.errors", "twin.link", "twin.model"),
    "twin.store": ("twin.errors", "twin.model", "twin.store", "twin.turn"),
    "twin.fleet": ("twin",),
    "config": ("config", "twin.model.spec"),
    "bridge": ("bridge", "twin.errors", "twin.fleet", "twin.model"),
    "bridge.arguments": ("bridge", "config"),
    "bridge.from_settings": ("bridge", "config"),
    # It looks at what a daemon would do, without one: the link and the database, but neither twins nor the fleet.
    "bridge.doctor": ("bridge", "config", "twin.errors", "twin.link", "twin.model", "twin.store"),
    "bridge.actuating.building": ("bridge", "config", "twin.model"),
    "bridge.roster": ("bridge", "config", "twin.errors", "twin.fleet", "twin.model"),
    "bridge.mapping.building": ("bridge", "config", "twin.model"),
    "bridge.traffic.building": ("bridge", "config"),
    "bridge.mapping.command": ("bridge", "config"),
    "bridge.monitoring.command": ("bridge", "config"),
    "bridge.app": ("bridge", "config", "twin"),
    "bridge.cli": ("bridge", "config", "twin"),
    "bridge.__main__": ("bridge.cli",),
}
"""What each part may import of this product; the rule with the longest name counts."""

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for top in ("twin", "bridge", "config")
    for path in sorted((ROOT / top).rglob("*.py"))
}


def is_within(module: str, part: str) -> bool:
    return module == part or module.startswith(part + ".")


def rule(module: str) -> str:
    return max((part for part in MAY_IMPORT if is_within(module, part)), key=len)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(origin, names):
                assert node.level == 0, f"{path.name}: imports are absolute"
                # `from twin import fleet` names a module, `from twin.fleet import Fleet` does not.
                deeper = (f"{origin}.{alias.name}" for alias in names)
                yield from (name if name in MODULES else str(origin) for name in deeper)
            case _:
                pass


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_layer_may(module):
    allowed = MAY_IMPORT[rule(module)]
    ours = {name for name in imported(MODULES[module]) if name.split(".")[0] in ("twin", "bridge", "config")}
    assert {name for name in ours if not any(is_within(name, part) for part in allowed)} == set()


@pytest.mark.parametrize("module", [name for name in MODULES if any(is_within(name, part) for part in PURE)])
def test_the_core_touches_neither_clock_nor_network_nor_disk(module):
    assert {name.split(".")[0] for name in imported(MODULES[module])} & IMPURE == set()


@pytest.mark.parametrize("module", [name for name in MODULES if is_within(name, "bridge") and name != "bridge.app"])
def test_the_bridge_sees_the_fleet_only_through_its_facade(module):
    assert [name for name in imported(MODULES[module]) if name.startswith("twin.fleet.")] == []


def test_no_modules_import_each_other_in_a_circle():
    below = {name: [other for other in imported(path) if other in MODULES] for name, path in MODULES.items()}
    assert set(TopologicalSorter(below).static_order()) == set(MODULES)
