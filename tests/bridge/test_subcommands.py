import argparse

from bridge.subcommands import subcommand


def test_a_subcommand_is_carried_out_by_what_it_was_given_and_has_help():
    parser = argparse.ArgumentParser()
    made = subcommand(parser.add_subparsers(), "pub", lambda given: len(given.topic), "publish one message", "In full.")
    made.add_argument("topic")
    given = parser.parse_args(["pub", "a/b"])
    assert given.command(given) == 3
    assert made.description == "Publish one message."
    assert made.format_help().endswith("In full.\n")
