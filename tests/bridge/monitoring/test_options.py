from bridge.from_settings import http_options
from config.settings import Settings


def test_they_are_off_and_here_only():
    found = http_options(Settings())
    assert (found.enabled, found.host, found.port, found.twins, found.node) == (False, "127.0.0.1", 9580, (), "main")


def test_they_follow_the_settings():
    given = {"node": "north", "http": {"enabled": True, "host": "::", "port": 80, "twin_metrics": True}}
    found = http_options(Settings.model_validate(given))
    assert (found.enabled, found.host, found.port, found.twins, found.node) == (True, "::", 80, ("*",), "north")
    assert found.version
