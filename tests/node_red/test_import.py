"""Each flow is imported in a fresh Node-RED as a person does it: nothing is missing, no warning, no triangle."""

import json

import pytest

FLOWS = ("charge", "faults", "central-system", "fleet", "dashboard")

READY = "RED.workspaces.active() && RED.nodes.getType('mqtt in')"
# Notifications go after some seconds: each is kept as it comes.
LISTEN = """window.said = []; new MutationObserver((changes) => {
    for (const node of changes.flatMap((change) => [...change.addedNodes])) {
        if (node.classList && node.classList.contains('red-ui-notification')) {
            window.said.push({kind: node.className, text: node.innerText});
        }
    }
}).observe(document.body, {childList: true, subtree: true}); true"""
# What the editor has validated: triangles are drawn where `valid` is false.
NODES = """(() => {
    const found = [];
    const add = (node) => found.push([node.type, node.name, node.valid, node.validationErrors || []]);
    RED.nodes.eachNode(add);
    RED.nodes.eachConfig(add);
    return found;
})()"""
PLACES = """(() => {
    const tabs = {};
    const of = (tab) => tabs[tab] = tabs[tab] || {nodes: [], groups: []};
    RED.nodes.eachNode((n) => of(n.z).nodes.push({name: n.name || n.topic, g: n.g, box: [
        n.x - n.w / 2 - (n.type === 'inject' ? 26 : 0), n.y - n.h / 2,
        n.x + n.w / 2 + (n.type === 'debug' ? 26 : 0), n.y + n.h / 2]}));
    RED.nodes.eachGroup((g) => of(g.z).groups.push({name: g.name, id: g.id, box: [g.x, g.y, g.x + g.w, g.y + g.h]}));
    return Object.values(tabs);
})()"""


@pytest.fixture
async def editor(red, browser):
    """Be the editor in a browser, as it is opened the first time."""
    page = await browser.open(red.url)
    await page.until(READY)
    await page.run(LISTEN)
    return page


async def paste(editor, flow):
    """Import a flow by the dialog of the menu, and look at it."""
    (tab,) = [node["id"] for node in flow if node["type"] == "tab"]
    await editor.act("RED.actions.invoke('core:show-import-dialog')")
    await editor.until("$('#red-ui-clipboard-dialog-import-text').is(':visible')")
    await editor.act(f"$('#red-ui-clipboard-dialog-import-text').val({json.dumps(json.dumps(flow))}).trigger('keyup')")
    await editor.until("!$('#red-ui-clipboard-dialog-ok').button('option', 'disabled')")
    await editor.act("$('#red-ui-clipboard-dialog-ok').trigger('click')")
    await editor.until(f"RED.nodes.workspace('{tab}')")
    # Nodes are measured and validated when they are drawn.
    await editor.act(f"RED.workspaces.show('{tab}')")
    await editor.until(f"RED.nodes.filterNodes({{z: '{tab}'}}).every((node) => node.w && node.valid !== undefined)")


async def deploy(editor):
    """Press the button; a question about invalid or unused nodes would stand in the way."""
    await editor.act("$('#red-ui-header-button-deploy').trigger('click')")
    await editor.until("window.said.some((said) => said.text.includes('Successfully deployed'))")


async def no_complaint(editor, red):
    said = await editor.run("window.said")
    assert [one for one in said if "error" in one["kind"] or "warning" in one["kind"]] == []
    assert list(editor.complaints) == []
    assert red.complaints == []


def apart(boxes):
    """Return the pairs of boxes that overlap."""
    return [
        (one["name"], other["name"])
        for index, one in enumerate(boxes)
        for other in boxes[index + 1 :]
        if one["box"][0] < other["box"][2]
        and other["box"][0] < one["box"][2]
        and one["box"][1] < other["box"][3]
        and other["box"][1] < one["box"][3]
    ]


def check_layout(tab):
    """Nodes stand beside each other, each in its group, groups beside each other."""
    groups = {group["id"]: group for group in tab["groups"]}
    assert apart(tab["nodes"]) == []
    assert apart(tab["groups"]) == []
    for node in tab["nodes"]:
        left, top, right, bottom = groups[node["g"]]["box"]
        assert left <= node["box"][0], node
        assert top <= node["box"][1], node
        assert node["box"][2] <= right, node
        assert node["box"][3] <= bottom, node


@pytest.mark.parametrize("name", FLOWS)
async def test_a_flow_is_imported_without_a_triangle_and_deployed_without_a_question(
    name, red, editor, read, mosquitto
):
    flow = read(name, mosquitto.port)
    await paste(editor, flow)
    assert [node for node in await editor.run(NODES) if node[2] is not True or node[3]] == []
    for tab in await editor.run(PLACES):
        check_layout(tab)
    await deploy(editor)
    await no_complaint(editor, red)

    known = {kind for module in await red.ask("GET", "/nodes") for kind in module["types"]} | {"tab", "group"}
    assert {node["type"] for node in flow} <= known
    # The file is what the editor writes: who exports the flow after a change sees that change only.
    kept = {node["id"]: node for node in await red.ask("GET", "/flows")}
    for node in flow:
        # `global-config` is a hint for the import only: which module brings the nodes.
        assert node["type"] == "global-config" or kept[node["id"]] == node


async def test_all_flows_live_side_by_side(red, editor, read, mosquitto):
    for name in FLOWS:
        await paste(editor, read(name, mosquitto.port))
    await deploy(editor)
    await no_complaint(editor, red)


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_looks_for_the_demo_where_it_is(name, read):
    (broker,) = [node for node in read(name) if node["type"] == "mqtt-broker"]
    # Without Mosquitto the demo's broker speaks MQTT 3.1.1 only.
    assert (broker["broker"], broker["port"], broker["protocolVersion"]) == ("127.0.0.1", 1883, 4)


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_explains_itself(name, read):
    flow = read(name)
    groups = [node for node in flow if node["type"] == "group"]
    commented = {node["g"] for node in flow if node["type"] == "comment" and node["info"]}
    assert {group["id"] for group in groups} == commented
    assert next(node for node in flow if node["type"] == "tab")["info"]
    assert any(node["type"] == "catch" for node in flow)
    topics = {node["topic"] for node in flow if node["type"] == "mqtt in"}
    assert {"ocpp-twin/+/result", "ocpp-twin/bridge/+/error"} <= topics
