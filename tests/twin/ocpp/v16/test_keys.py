import pytest

from twin.model.spec import KeySpec
from twin.model.variables import RULES
from twin.ocpp.v16 import keys
from twin.ocpp.v16.keys import KEYS, key_table


def test_each_key_is_a_variable_and_each_variable_a_key():
    assert set(KEYS.values()) == set(RULES)
    assert len(set(KEYS.values())) == len(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_keys_fold_case(key):
    table = key_table({})
    for written in (key, key.lower(), key.upper()):
        assert table.variable(written) == KEYS[key]
        assert table.spelling(written) == key
    assert table.label(KEYS[key]) == key


def test_a_vendor_key_is_spelled_as_it_was_configured():
    table = key_table({"VendorKey": KeySpec("7")})
    assert table.settings == {"Vendor.VendorKey": KeySpec("7")}
    assert table.variable("vendorkey") == "Vendor.VendorKey"
    assert table.spelling("VENDORKEY") == "VendorKey"
    assert table.label("Vendor.VendorKey") == "VendorKey"


def test_an_unknown_key_is_no_variable_and_keeps_its_spelling():
    table = key_table({})
    assert table.variable("nOnsense") == "Vendor.nOnsense"
    assert table.label("Vendor.nOnsense") == "nOnsense"
    assert table.spelling("nOnsense") == "nOnsense"


def test_a_variables_name_is_no_key():
    name = "OCPPCommCtrlr.HeartbeatInterval"
    assert key_table({}).variable(name) not in RULES


def test_configured_values_are_had_by_variable():
    table = key_table({"heartbeatinterval": KeySpec("9")})
    assert table.settings == {"OCPPCommCtrlr.HeartbeatInterval": KeySpec("9")}
    assert table.vendor == {}


def test_boxes_that_were_configured_alike_share_a_table():
    assert key_table({"A": KeySpec("1")}) is key_table({"A": KeySpec("1")})
    assert key_table({"A": KeySpec("1")}) is not key_table({"A": KeySpec("2")})
    assert keys.settings({"A": KeySpec("1")}) is key_table({"A": KeySpec("1")}).settings
