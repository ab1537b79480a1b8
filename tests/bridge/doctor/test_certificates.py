import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from bridge.doctor.certificates import of_server
from bridge.doctor.findings import Verdict


@pytest.mark.parametrize(("days", "verdict"), [(100, "ok"), (5, "note"), (-5, "wrong")])
def test_how_long_a_certificate_is_valid(days, verdict):
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)
    leaf = trustme.CA().issue_cert("localhost", not_after=ends, not_before=ends - timedelta(days=365))
    der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    (found,) = of_server("broker", der, time.time())
    assert found.verdict == verdict
    assert f"{abs(days)} days" in found.said


def test_none_and_what_is_none():
    assert not list(of_server("broker", None))
    (found,) = of_server("broker", b"nonsense")
    assert found.verdict is Verdict.NOTE
