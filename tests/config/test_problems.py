import pytest

from config.problems import ConfigError, Problem, masked, nearest, shown, unknown_text, written


def test_a_path_is_written_as_it_is_spoken():
    assert written(("twins", 3, "evses", 0, "max_a")) == "twins[3].evses[0].max_a"
    assert written(()) == ""


def test_all_problems_stand_in_the_text_of_the_error():
    error = ConfigError([Problem("a.yaml", ("node",), "x"), Problem("b.yaml", (), "y")])
    assert str(error) == "a.yaml: node: x\nb.yaml: y"


@pytest.mark.parametrize("name", ["password", "AuthorizationKey", "client_secret"])
def test_a_secret_is_not_shown(name):
    assert shown(("csms", name), "hunter2") == "***"
    assert shown(("csms", name, "value"), "hunter2") == "***"
    assert "hunter2" not in shown(("csms",), {name: "hunter2"})


def test_the_path_of_a_secret_file_is_shown():
    assert shown(("mqtt", "password_file"), "/run/secrets/x") == '"/run/secrets/x"'


def test_a_password_in_a_url_is_masked():
    assert masked("mqtt://me:hunter2@host") == "mqtt://me:***@host"
    assert masked([{"url": "ws://a:b@c"}]) == [{"url": "ws://a:***@c"}]


def test_what_was_found_is_shortened():
    assert len(shown((), "x" * 500)) == 78


def test_the_nearest_known_name_is_proposed():
    assert nearest("Passwrd", ["username", "password"]) == "password"
    assert nearest("zzz", ["username", "password"]) is None
    assert unknown_text("nod", ["node", "mqtt"]) == 'unknown; did you mean "node"? Known here: mqtt, node'


def test_a_long_list_of_names_is_for_those_who_come_near_none():
    names = [f"name{number}" for number in range(30)]
    assert unknown_text("nam7", names) == 'unknown; did you mean "name7"?'
    assert unknown_text("zzz", names).endswith("name8, name9")
