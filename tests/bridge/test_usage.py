import pytest

from bridge import cli


@pytest.fixture
def said(capsys):
    def refuse(*arguments):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 2
        out, err = capsys.readouterr()
        assert out == ""
        return err

    return refuse


def test_without_a_command_all_are_listed_and_where_to_begin(said):
    text = said()
    assert "check-config" in text
    assert text.endswith(
        "ocpp-twin: a command is missing. To begin: `ocpp-twin demo` runs everything on this machine; "
        "`ocpp-twin run` needs a configuration.\n"
    )


@pytest.mark.parametrize(("typed", "meant"), [("chekc-config", "check-config"), ("subscribe", "sub"), ("Demo", "demo")])
def test_a_mistyped_command_is_guessed(said, typed, meant):
    assert f"ocpp-twin: unknown command '{typed}'; did you mean '{meant}'?; known: run, " in said(typed)


def test_a_command_that_is_like_none_is_not_guessed(said):
    assert "unknown command 'xyzzy'; known: run, " in said("xyzzy")


def test_a_mistyped_choice_of_an_argument_is_guessed(said):
    assert "did you mean 'asyncapi'?" in said("print-schemas", "asyncap")
    assert "ocpp-twin print-schemas --help tells more." in said("print-schemas", "asyncap")


def test_a_file_without_its_option(said):
    assert "a configuration file is named by --config my.yaml" in said("run", "my.yaml")
    assert "unknown arguments: here" in said("version", "here")
