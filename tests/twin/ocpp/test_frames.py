import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import ProtocolError
from twin.ocpp import frames

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def refused(text):
    with pytest.raises(ProtocolError) as caught:
        frames.parse(text)
    return caught.value.code, caught.value.message_id


def test_a_call_is_read():
    assert frames.parse('[2,"id","Heartbeat",{}]') == frames.Call("id", "Heartbeat", {})


def test_null_is_an_empty_payload():
    assert frames.parse('[2,"id","Heartbeat",null]') == frames.Call("id", "Heartbeat", {})
    assert frames.parse('[3,"id",null]') == frames.Result("id", {})


def test_a_result_is_read():
    assert frames.parse('[3,"id",{"a":1}]') == frames.Result("id", {"a": 1})


def test_an_error_is_read():
    text = '[4,"id","NotSupported","no",{"why":1}]'
    assert frames.parse(text) == frames.Error("id", "NotSupported", "no", {"why": 1})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("OccurrenceConstraintViolation", "OccurenceConstraintViolation"),
        ("FormatViolation", "FormationViolation"),
        ("OccurenceConstraintViolation", "OccurenceConstraintViolation"),
        ("FormationViolation", "FormationViolation"),
        ("RpcFrameworkError", "RpcFrameworkError"),
    ],
)
def test_t_26_both_spellings_of_error_codes_are_understood(written, meant):
    assert frames.parse(json.dumps([4, "id", written, "", {}])).code == meant


@pytest.mark.parametrize("unreadable", ["null", '"-1"', "-1", "[]"])
def test_t_17_an_error_about_an_unreadable_call_is_read(unreadable):
    assert frames.parse(f'[4,{unreadable},"FormationViolation","?",{{}}]').id is None


@pytest.mark.parametrize("text", ['[4,"id"]', '[4,"id",17]', '[4,"id",null,null,null]', '[4,"id","","",{},1]'])
def test_an_error_that_lacks_something_is_still_an_error(text):
    assert frames.parse(text) == frames.Error("id", "GenericError", "", {})


@pytest.mark.parametrize("text", ['[5,"id",{}]', "[6]", '["2","id","Heartbeat",{}]', "[2.0]", "[true]", "[null]"])
def test_an_unknown_message_type_is_ignored(text):
    assert isinstance(frames.parse(text), frames.Ignored)


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", "3", '"2"', "[2,", '[2,"\\ud800"', "[" * 100_000, '[NaN,"1"]'])
def test_what_is_no_frame_cannot_be_answered(text):
    assert refused(text) == ("FormationViolation", None)


@pytest.mark.parametrize(
    ("text", "code", "message_id"),
    [
        ('[2,"id","Heartbeat"]', "ProtocolError", "id"),
        ('[2,"id"]', "ProtocolError", "id"),
        ("[2]", "ProtocolError", "-1"),
        ('[2,"id","Heartbeat",{},1]', "FormationViolation", "id"),
        ('[2,"id",7,{}]', "FormationViolation", "id"),
        ('[2,"id","Heartbeat",[]]', "FormationViolation", "id"),
        ('[2,"id","Heartbeat","x"]', "FormationViolation", "id"),
        ('[2,17,"Heartbeat",{}]', "FormationViolation", "17"),
        ('[2,null,"Heartbeat",{}]', "FormationViolation", "-1"),
        ('[2,{},"Heartbeat",{}]', "FormationViolation", "-1"),
    ],
)
def test_a_broken_call_wants_a_call_error(text, code, message_id):
    assert refused(text) == (code, message_id)


@pytest.mark.parametrize("text", ['[3,"id"]', '[3,"id",{},1]', '[3,"id",[]]', '[3,"id","x"]'])
def test_a_broken_result_is_told_from_a_good_one(text):
    assert isinstance(frames.parse(text), frames.Broken)
    assert frames.parse(text).id == "id"


@pytest.mark.parametrize("text", ["[3]", "[3,1,{}]", "[3,null,{}]"])
def test_a_result_without_an_id_is_nobodys(text):
    assert refused(text) == ("FormationViolation", None)


@given(st.text(max_size=60), st.text(max_size=20), st.dictionaries(st.text(), JSON, max_size=3))
def test_what_is_written_is_read_back(message_id, action, payload):
    payload = json.loads(json.dumps(payload))
    call, result = frames.call(message_id, action, payload), frames.result(message_id, payload)
    assert json.loads(call) == [2, message_id, action, payload]
    assert json.loads(result) == [3, message_id, payload]


def test_an_error_has_five_elements_and_details():
    assert json.loads(frames.error("id", "InternalError", "x" * 300)) == [4, "id", "InternalError", "x" * 255, {}]


def code_of(text):
    try:
        frames.parse(text)
    except ProtocolError as error:
        return error.code
    return None


@given(JSON | st.lists(st.sampled_from([2, 3, 4]) | JSON, min_size=1, max_size=6))
def test_any_json_is_read_or_refused(value):
    assert code_of(json.dumps(value)) in (None, "FormationViolation", "ProtocolError")


@given(st.text())
def test_any_text_is_read_or_refused(text):
    assert code_of(text) in (None, "FormationViolation", "ProtocolError")
