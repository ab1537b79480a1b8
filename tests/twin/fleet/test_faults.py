import pytest
from structlog.testing import capture_logs

from twin.errors import LinkError, Rejected
from twin.fleet.faults import Fault, contained


@pytest.mark.parametrize("error", [Rejected("state_conflict", "no"), LinkError("no")])
def test_what_is_raised_on_purpose_passes(error):
    with pytest.raises(type(error)) as raised, contained("garage"):
        raise error
    assert raised.value is error


def test_all_else_becomes_a_fault_with_its_cause_in_the_log():
    with capture_logs() as logs, pytest.raises(Fault) as raised, contained("garage"):
        raise KeyError("oops")
    assert (raised.value.code, raised.value.cause) == ("internal", "KeyError: 'oops'")
    assert [(line["event"], line["twin"], line["exc_info"]) for line in logs] == [("twin_failed", "garage", True)]
