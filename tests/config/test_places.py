from config.places import example_at, known_at, places_of
from config.settings import Settings


def test_known_names_of_a_place():
    assert {"url", "username"} <= set(known_at(Settings, ("mqtt",)))
    assert "from" in known_at(Settings, ("outputs", 0))
    assert known_at(Settings, ("node",)) == []


def test_an_example_is_what_is_required():
    assert example_at(Settings, ("twins", 3)) == "id: …"
    assert example_at(Settings, ("logs",)) == "level: …"
    assert example_at(Settings, ("node",)) == ""


def test_where_a_name_belongs():
    assert places_of(Settings, (), "base_topic") == ["mqtt"]
    assert places_of(Settings, ("twins", 0), "url") == ["csms"]
    assert places_of(Settings, ("twins", 0), "username") == ["mqtt"]
    assert places_of(Settings, (), "nonsense") == []
