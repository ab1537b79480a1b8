import pytest

from bridge.homeassistant.entities import of_evse, of_station
from bridge.intake import EVSE, STATION
from bridge.payloads import EVENT_DATA, PUBLISHED
from twin.model.spec import EvseSpec
from twin.model.terms import ErrorCode, Status

ALL = [*((True, entity) for entity in of_evse(EvseSpec())), *((False, entity) for entity in of_station())]


def named(entities):
    return [entity.name for entity in entities]


@pytest.mark.parametrize(("at_evse", "entity"), ALL, ids=lambda value: getattr(value, "key", ""))
def test_it_reads_what_is_published_and_sends_what_is_taken(at_evse, entity):
    if entity.command is not None:
        assert entity.command in (EVSE if at_evse else STATION)
    if entity.shows not in (None, "event") and "value_json." in entity.template:
        key = f"evse/{entity.shows}" if at_evse else entity.shows
        fields = PUBLISHED[key].model_fields
        assert any(f"value_json.{name} " in f"{entity.template} ".replace(")", " ") for name in fields)


def test_keys_are_used_once():
    for entities in (of_station(), of_evse(EvseSpec())):
        keys = [entity.key for entity in entities]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("evse", "currents", "voltages"),
    [
        (EvseSpec(), ["Current L1", "Current L2", "Current L3"], ["Voltage L1", "Voltage L2", "Voltage L3"]),
        (EvseSpec(phases=2), ["Current L1", "Current L2"], ["Voltage L1", "Voltage L2"]),
        (EvseSpec(phases=1), ["Current"], ["Voltage"]),
        (EvseSpec(dc=True), ["Current"], ["Voltage"]),
    ],
)
def test_there_are_as_many_currents_as_lines(evse, currents, voltages):
    names = named(of_evse(evse))
    assert [name for name in names if name.startswith("Current")] == currents
    assert [name for name in names if name.startswith("Voltage")] == voltages


def test_choices_are_ocpps_words():
    found = {entity.key: entity.more for entity in of_evse(EvseSpec())}
    assert found["status"]["options"] == list(Status)
    assert found["fault"]["options"][0] == "NoError"
    assert set(found["fault"]["options"]) == set(ErrorCode)


def test_an_energy_dashboard_takes_the_register():
    energy = {entity.key: entity.more for entity in of_evse(EvseSpec())}["energy"]
    assert (energy["device_class"], energy["state_class"], energy["unit_of_measurement"]) == (
        *("energy", "total_increasing"),
        "kWh",
    )


def test_events_are_those_that_are_published():
    found = {entity.key: entity.more["event_types"] for entity in of_station() if entity.platform == "event"}
    assert set(found["transaction"]) == {name for name in EVENT_DATA if name.startswith("transaction_")}


def test_nothing_is_disabled_from_the_start():
    # Home Assistant clears the message of a whole device when such an entity is removed.
    assert not any("enabled_by_default" in entity.more for _, entity in ALL)


@pytest.mark.parametrize(("masked", "mode"), [(False, "text"), (True, "password")])
def test_a_card_is_never_shown_in_the_field_that_takes_it(masked, mode):
    (swipe,) = [entity for entity in of_evse(EvseSpec(), mask_id_tags=masked) if entity.platform == "text"]
    assert (swipe.template, swipe.more["mode"], swipe.more["max"]) == ("{{ '' }}", mode, 20)
