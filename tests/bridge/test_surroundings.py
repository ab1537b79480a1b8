from __future__ import annotations

from fakes.fleet import FakeFleet

from bridge.from_settings import mqtt_options
from bridge.listeners import Listeners
from bridge.publisher import Publisher
from bridge.surroundings import Surroundings, problems
from twin.fleet import Clock

SENSOR = "{topic: 'meter/power', to: garage/1/set/power_w}"
OUTPUT = "{from: garage/1/limit, topic: 'box/limit', confirm: {topic: 'box/is', value: '{{ value }}'}}"
ONE = f"inputs: [{SENSOR}]\ntwins: [{{id: garage}}]"
BOTH = f"inputs: [{SENSOR}]\noutputs: [{OUTPUT}]\ntwins: [{{id: garage}}]"


def around(configured, text):
    configuration, fleet, clock = configured(text), FakeFleet({"garage": 1}), Clock()
    options = mqtt_options(configuration.settings)
    publisher = Publisher(options, now=clock.now)
    publisher.attach(fleet)
    return Surroundings(configuration, options, fleet, publisher, clock=clock, listeners=Listeners(publisher))


async def test_another_configuration_changes_what_is_listened_to(configured):
    surroundings = around(configured, ONE)
    surroundings.start()
    assert surroundings.heard == (["meter/power"], [])
    surroundings.replace(configured(BOTH))
    assert surroundings.heard == (["meter/power"], ["box/is"])
    surroundings.replace(configured("twins: [{id: garage}]"))
    assert surroundings.heard == ([], [])
    surroundings.stop()


def test_problems_of_all_three_are_told(configured):
    configuration = configured(
        """
        inputs: [{topic: a, to: nowhere/1/set/power_w}]
        outputs: [{from: nothing/1/limit, topic: b}]
        traffic: [{twins: nobody, arrivals: 1/h}]
        twins: [{id: garage}]
        """
    )
    found = problems(configuration.settings, configuration.twins)
    assert {path[0] for path, _ in found} == {"inputs", "outputs", "traffic"}
