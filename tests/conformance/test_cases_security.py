"""The Open Charge Alliance's test cases for charge points: security.

Each test is one case of its compliance testing tool ("TestCaseDocument", 2024-04), told from its messages. The cases of
the handshakes (TC_085 to TC_087) need real sockets, and stand in tests/integration and tests/twin/link.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes.authorities import DAY, Authority
from fakes.central_system import T0, CentralSystem
from fakes.depot import FOLDER, IMAGE, Depot, depot
from fakes.enrolling import ask, enrol
from fakes.judge import iso
from fakes.manufacturer import root, signer
from fakes.scenes import booted

from twin.model.spec import CsmsSpec

HEX = "4F43415F4F4354545F61646D696E5F74657374"
CENTRAL, MANUFACTURER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
ROOT = Authority()
SIGNED = "SignedFirmwareStatusNotification"


def at_profile(level: int, *roots: Authority) -> CentralSystem:
    csms = CsmsSpec(security_profile=level, password="secret", roots=tuple(one.pem for one in roots))
    return booted(keys={"CpoName": "Example CPO"}, serial_number="SN-1", csms=csms)


def install(cs: CentralSystem, use: str, pem: str) -> str:
    return cs.ask("InstallCertificate", {"certificateType": use, "certificate": pem}).status


def installed(cs: CentralSystem, use: str) -> list[dict[str, Any]]:
    payload = cs.ask("GetInstalledCertificateIds", {"certificateType": use}).payload
    assert payload is not None
    found: list[dict[str, Any]] = payload.get("certificateHashData", [])
    assert payload["status"] == ("Accepted" if found else "NotFound")
    return found


def told(cs: CentralSystem, since: int = 0) -> list[str]:
    return [call["type"] for call in cs.sent("SecurityEventNotification", since)]


@pytest.mark.parametrize("level", [1, 2])
def test_tc_073_sec_04_a_new_password_is_used_at_once(level):
    cs = at_profile(level, ROOT)
    assert cs.configure("AuthorizationKey", HEX) == "Accepted"
    cs.advance(5)
    assert cs.connection == 2
    assert cs.access.password == b"OCA_OCTT_admin_test"
    assert HEX not in str(cs.configuration())


def test_tc_074_sec_13_sec_15_a_certificate_is_renewed_and_used(tmp_path: Path):
    cs = at_profile(2, ROOT)
    enrol(cs, tmp_path, ROOT)
    assert cs.configure("SecurityProfile", 3) == "Accepted"
    cs.advance(5)
    before = cs.connection
    renewed = enrol(cs, tmp_path, ROOT, starts=T0 - 1)
    cs.advance(5)
    assert cs.connection == before + 1
    assert cs.access.chain == renewed


@pytest.mark.parametrize("use", [CENTRAL, MANUFACTURER])
def test_tc_075_1_tc_075_2_sec_17_sec_19_install_a_root(use):
    cs = at_profile(1)
    assert install(cs, use, ROOT.pem) == "Accepted"
    assert len(installed(cs, use)) == 1


def test_tc_076_sec_20_delete_a_root():
    cs = at_profile(1)
    assert install(cs, CENTRAL, ROOT.pem) == "Accepted"
    (found,) = installed(cs, CENTRAL)
    assert cs.ask("DeleteCertificate", {"certificateHashData": found}).status == "Accepted"
    assert installed(cs, CENTRAL) == []
    assert cs.ask("DeleteCertificate", {"certificateHashData": found}).status == "NotFound"


@pytest.mark.parametrize("flaw", ["another key", "expired", "another CPO", "garbage"])
def test_tc_077_sec_15_an_invalid_own_certificate_is_told(flaw, tmp_path: Path):
    cs = at_profile(2, ROOT)
    csr = ask(cs, tmp_path)
    pem = {
        "another key": lambda: ROOT.certify(ROOT.key.public_key()),
        "expired": lambda: ROOT.answer(csr, starts=T0 - 9 * DAY, ends=T0 - DAY),
        "another CPO": lambda: ROOT.answer(csr, organization="Somebody Else"),
        "garbage": lambda: "no certificate",
    }[flaw]()
    mark = cs.mark()
    assert cs.ask("CertificateSigned", {"certificateChain": pem}).status == "Rejected"
    assert told(cs, mark) == ["InvalidChargePointCertificate"]


def test_tc_078_sec_17_an_invalid_root_is_told():
    cs = at_profile(2, ROOT)
    mark = cs.mark()
    assert install(cs, CENTRAL, Authority(ends=T0 - DAY).pem) == "Rejected"
    assert told(cs, mark) == ["InvalidCentralSystemCertificate"]


def test_tc_079_sec_25_sec_26_get_the_security_log():
    cs = depot()
    fields = {"logType": "SecurityLog", "requestId": 3, "log": {"remoteLocation": FOLDER}}
    assert cs.ask("GetLog", fields).status == "Accepted"
    cs.advance(60)
    assert cs.steps("LogStatusNotification") == ["Uploading", "Uploaded"]


def update(cs: Depot) -> str:
    assert install(cs, MANUFACTURER, root()) == "Accepted"
    firmware = {
        "location": IMAGE,
        "retrieveDateTime": iso(cs.now),
        "signingCertificate": signer(),
        "signature": "c2lnbmF0dXJl",
    }
    return cs.ask("SignedUpdateFirmware", {"requestId": 9, "firmware": firmware}).status


def test_tc_080_sec_30_sec_32_secure_firmware_update():
    cs = depot(evses=2)
    assert update(cs) == "Accepted"
    mark = cs.mark()
    cs.advance(300)
    steps = [step for step in cs.steps(SIGNED) if step != "InstallRebooting"]
    assert steps == ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"]
    assert cs.sent("BootNotification", mark)
    assert "FirmwareUpdated" in told(cs, mark)
    assert [cs.status(number) for number in (0, 1, 2)] == ["Available"] * 3


def test_tc_081_sec_24_sec_34_secure_firmware_update_with_an_invalid_signature():
    cs = depot()
    cs.ends.append({"genuine": False})
    assert update(cs) == "Accepted"
    mark = cs.mark()
    cs.advance(300)
    assert cs.steps(SIGNED) == ["Downloading", "Downloaded", "InvalidSignature"]
    assert told(cs, mark) == ["InvalidFirmwareSignature"]
    assert not cs.sent("BootNotification", mark)


@pytest.mark.parametrize("level", [1, 2])
def test_tc_083_sec_11_upgrade_the_security_profile(level, tmp_path: Path):
    cs = at_profile(level, *([ROOT] if level == 2 else []))
    if level == 1:
        assert install(cs, CENTRAL, ROOT.pem) == "Accepted"
    else:
        enrol(cs, tmp_path, ROOT)
    before = cs.connection
    assert cs.configure("SecurityProfile", level + 1) == "Accepted"
    cs.advance(5)
    assert (cs.connection, cs.access.profile) == (before + 1, level + 1)
    assert cs.ask("Reset", {"type": "Hard"}).status == "Accepted"
    cs.advance(60)
    assert (cs.status(0), cs.status(1)) == ("Available", "Available")


def test_tc_084_sec_10_downgrading_the_security_profile_is_rejected():
    cs = at_profile(2, ROOT)
    assert cs.configure("SecurityProfile", 1) == "Rejected"
    cs.advance(5)
    assert (cs.connection, cs.access.profile) == (1, 2)
