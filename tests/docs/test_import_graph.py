"""The picture of imports shows the code as it is, with fewer arrows, and none that goes up."""

import re

from docs.import_graph import LAYERS, graph, lines, reduced

WHOLE = graph()


def reachable(arrows, start):
    seen, waiting = set(), [start]
    while waiting:
        for node in arrows[waiting.pop()] - seen:
            seen.add(node)
            waiting.append(node)
    return seen


def layer(node):
    return next(index for index, (_, members) in enumerate(LAYERS) if node in members or node.split(".")[0] in members)


def test_what_is_left_out_follows_from_what_is_drawn():
    drawn = reduced(WHOLE)
    for node in WHOLE:
        assert reachable(drawn, node) == reachable(WHOLE, node)
    assert sum(map(len, drawn.values())) < sum(map(len, WHOLE.values()))


def test_arrows_go_down():
    assert [(node, other) for node, others in WHOLE.items() for other in others if layer(node) > layer(other)] == []


def test_every_package_is_drawn_once():
    text = "\n".join(lines(reduced(WHOLE)))
    for node in WHOLE:
        assert len(re.findall(rf"^ +{node.replace('.', '_')}\[{re.escape(node)}\]$", text, re.MULTILINE)) == 1


def test_a_longer_way_replaces_an_arrow_but_not_within_a_circle():
    graph_of = {"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset()}
    assert reduced(graph_of) == {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset()}
    circle = {"a": frozenset("bc"), "b": frozenset("ac"), "c": frozenset()}
    assert reduced(circle) == circle
