from __future__ import annotations

import pytest

from bridge.demo.wire import UNKNOWN_ID, Call, Error, Result, Violation, pack, parse


@pytest.mark.parametrize(
    "frame",
    [Call("1", "Heartbeat", {}), Result("1", {"status": "Accepted"}), Error("1", "GenericError", "no", {"why": 1})],
)
def test_what_is_packed_is_read_again(frame):
    assert parse(pack(frame)) == frame


def test_a_payload_of_null_is_an_empty_one():
    assert parse('[2, "1", "Heartbeat", null]') == Call("1", "Heartbeat", {})


@pytest.mark.parametrize("text", ['[7, "1", {}]', '["2", "1", "Heartbeat", {}]'])
def test_an_unknown_message_type_is_ignored(text):
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ("no JSON", UNKNOWN_ID),
        ("[" * 100_000, UNKNOWN_ID),
        ("{}", UNKNOWN_ID),
        ("[]", UNKNOWN_ID),
        ('[2, "1", "Heartbeat"]', "1"),
        ('[2, 1, "Heartbeat", {}]', UNKNOWN_ID),
        (f'[2, "{"x" * 37}", "Heartbeat", {{}}]', UNKNOWN_ID),
    ],
)
def test_what_is_no_frame_is_a_violation_that_names_the_id_if_there_is_one(text, message_id):
    with pytest.raises(Violation) as caught:
        parse(text)
    assert (caught.value.code, caught.value.message_id) == ("FormationViolation", message_id)


def test_a_broken_answer_fails_the_call_that_it_names():
    assert parse('[3, "1"]') == Error("1", "FormationViolation", "the answer is neither a CALLRESULT nor a CALLERROR")
