"""A Central System that proves who it is, and wants proofs: TLS, passwords and certificates on a real network."""

from __future__ import annotations

import contextlib
import ssl
from datetime import UTC, datetime

import pytest
import trustme
from fakes.books import Books
from fakes.links import context_for
from fakes.tls import mutual, old, signed, weak, without_san, written
from fakes.witness import Witness

from bridge.demo.csms import CentralSystem
from bridge.demo.station import NO_ANSWER

KEY = "00112233445566778899aabbccddeeff"
OTHER_KEY = "ffeeddccbbaa99887766554433221100"
CARD = "04A2B3C4"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    return written(tmp_path / "ca.pem", authority.cert_pem)


@pytest.fixture
def server_context(authority):
    return context_for(authority.issue_cert("localhost"))


@pytest.fixture
def passwords():
    """What the Central System wants to hear; a test may change it meanwhile."""
    return {"garage": bytes.fromhex(KEY)}


@pytest.fixture
async def make_csms(passwords):
    """Make Central Systems with TLS."""
    async with contextlib.AsyncExitStack() as running:

        async def make(context: ssl.SSLContext | None) -> CentralSystem:
            return await running.enter_async_context(CentralSystem(tls=context, passwords=passwords))

        yield make


@pytest.fixture
def given(mosquitto, settings, ca_file):
    """Make the settings of a daemon whose only twin calls this Central System."""

    def make(csms: CentralSystem, *, keys: dict[str, object] | None = None, **changes: object) -> dict[str, object]:
        quick = {"min": "50ms", "max": "100ms"}
        found = {"url": named(csms), "ca_file": ca_file, "backoff": quick, **changes}
        return settings(mosquitto.url, csms=found, twins=[{"id": "garage", "keys": keys or {}}])

    return make


@pytest.fixture
def certificate_files(authority, tmp_path):
    """Be the settings of a charge point that has a certificate."""
    leaf = authority.issue_cert("SN-1", common_name="SN-1")
    written(tmp_path / "cp.key", leaf.private_key_pem)
    (tmp_path / "cp.key").chmod(0o600)
    return {
        "certificate_file": written(tmp_path / "cp.pem", *leaf.cert_chain_pems),
        "key_file": str(tmp_path / "cp.key"),
    }


def named(csms):
    """Return the address by the name that stands in the certificate."""
    return csms.url.replace("127.0.0.1", "localhost")


def tls_of(csms):
    """Return the TLS side of the connection of `garage`."""
    return csms._stations["garage"]._connection.transport.get_extra_info("ssl_object")


def headers_of(csms):
    return csms._stations["garage"]._connection.request.headers


async def security_event(witness, kind, *, after=0):
    """Wait until a security event of this kind is told."""
    await witness.said.until(
        lambda said: (
            said.topic == "garage/event"
            and said.payload["type"] == "security_event"
            and said.payload["data"]["security_type"] == kind
        ),
        kind,
        after=after,
    )


async def connected(witness, *, after):
    """Return when the old connection is gone, and the Central System has answered on the new one."""
    gone = await witness.event("garage", "disconnected", after=after)
    await witness.until(
        "garage/event", lambda said: said["type"] == "connected" and said["seq"] > gone["seq"], after=after
    )
    mark, request_id = witness.mark(), f"through-{witness.mark()}"
    await witness.say("garage/cmd/call", {"action": "Heartbeat", "request_id": request_id})
    result = await witness.until("garage/result", lambda said: said["request_id"] == request_id, after=mark)
    assert (result["status"], result["detail"]) == ("ok", None)


async def change(csms, key, value):
    """Change a configuration key and return the status."""
    confirmation = await csms.call("garage", "ChangeConfiguration", {"key": key, "value": value})
    return confirmation["status"]


# --- Profiles from the beginning on -----------------------------------------------------------------------------------


async def test_sec_01_sec_03_profile_2_charges_over_tls(mosquitto, make_csms, given, make_daemon, server_context):
    csms = await make_csms(server_context)
    books = Books(csms)
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given(csms, keys={"SecurityProfile": 2, "AuthorizationKey": KEY}))
        await books.until("StatusNotification", lambda told: told["connectorId"] == 1)
        assert tls_of(csms).version() in ("TLSv1.2", "TLSv1.3")
        state = await witness.until("garage/state", lambda state: state["connected"])
        assert state["security_profile"] == 2
        await witness.ok("garage/1/set/plugged", "ON")
        await witness.ok("garage/1/cmd/swipe", CARD)
        await books.until("StartTransaction")


@pytest.mark.parametrize(
    ("wanted", "changes", "keys"),
    [
        ("pä:ss", {"security_profile": 2, "password": "pä:ss"}, {}),
        (KEY, {"authorization_key_as": "text"}, {"SecurityProfile": 2, "AuthorizationKey": KEY}),
        (bytes.fromhex(OTHER_KEY), {}, {"SecurityProfile": 1, "AuthorizationKey": OTHER_KEY}),
    ],
)
async def test_sec_04_what_the_password_is(
    make_csms, given, make_daemon, server_context, passwords, wanted, changes, keys
):
    passwords["garage"] = wanted
    csms = await make_csms(server_context)
    books = Books(csms)
    await make_daemon(given(csms, keys=keys, **changes))
    await books.until("BootNotification")


async def test_sec_05_the_name_may_stand_in_the_common_name(make_csms, given, make_daemon, authority):
    csms = await make_csms(context_for(without_san(authority, "localhost")))
    books = Books(csms)
    await make_daemon(given(csms, keys={"SecurityProfile": 2, "AuthorizationKey": KEY}))
    await books.until("BootNotification")


async def test_sec_07_profile_3_is_a_certificate_of_both_sides(
    make_csms, given, make_daemon, server_context, authority, passwords, certificate_files
):
    passwords.clear()
    csms = await make_csms(mutual(server_context, authority))
    books = Books(csms)
    await make_daemon(given(csms, security_profile=3, password="not needed", **certificate_files))
    await books.until("BootNotification")
    assert (("commonName", "SN-1"),) in tls_of(csms).getpeercert()["subject"]
    assert "Authorization" not in headers_of(csms)


# --- Who is not talked to ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (lambda _: trustme.CA().issue_cert("localhost"), "is not trusted"),
        (lambda ca: ca.issue_cert("csms.example"), "is not for the host"),
        (lambda ca: ca.issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC)), "has expired"),
    ],
)
async def test_sec_05_a_server_that_does_not_prove_itself_is_left(
    mosquitto, make_csms, given, make_daemon, authority, certificate, reason
):
    csms = await make_csms(context_for(certificate(authority)))
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given(csms, keys={"SecurityProfile": 2, "AuthorizationKey": KEY}))
        event = await witness.event("garage", "disconnected")
        assert reason in event["data"]["reason"]
        await security_event(witness, "InvalidCentralSystemCertificate")
    assert list(csms.connected) == []


@pytest.mark.parametrize(("spoil", "kind"), [(old, "InvalidTLSVersion"), (weak, "InvalidTLSCipherSuite")])
async def test_sec_06_old_tls_and_weak_suites_are_left(
    mosquitto, make_csms, given, make_daemon, server_context, spoil, kind
):
    csms = await make_csms(spoil(server_context))
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given(csms))
        await security_event(witness, kind)
    assert list(csms.connected) == []


async def test_a_password_that_is_refused(mosquitto, make_csms, given, make_daemon, server_context):
    csms = await make_csms(server_context)
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given(csms, keys={"SecurityProfile": 2, "AuthorizationKey": OTHER_KEY}))
        event = await witness.event("garage", "disconnected")
        assert "does not accept the password (HTTP 401)" in event["data"]["reason"]
        await security_event(witness, "FailedToAuthenticateAtCentralSystem")


# --- Changes by the Central System ------------------------------------------------------------------------------------


async def test_sec_08_a_new_password_means_a_new_connection_and_the_queue_is_kept(
    mosquitto, make_csms, given, make_daemon, server_context, passwords
):
    csms = await make_csms(server_context)
    books = Books(csms)

    async def ignore_once(identity, payload):
        del csms.handlers["StartTransaction"]
        return NO_ANSWER

    async with Witness(mosquitto.port) as witness:
        daemon = await make_daemon(given(csms, keys={"SecurityProfile": 2, "AuthorizationKey": KEY}))
        await books.until("StatusNotification", lambda told: told["connectorId"] == 1)
        csms.handlers["StartTransaction"] = ignore_once
        await witness.ok("garage/1/set/plugged", "ON")
        await witness.ok("garage/1/cmd/swipe", CARD)
        first = await books.until("StartTransaction")
        mark, seen = books.mark(), witness.mark()
        passwords["garage"] = bytes.fromhex(OTHER_KEY)
        assert await change(csms, "AuthorizationKey", OTHER_KEY) == "Accepted"
        assert await books.until("StartTransaction", after=mark) == first
        await witness.event("garage", "transaction_accepted")
        assert books.all("BootNotification", after=mark) == []
        assert [event["type"] for event in witness.payloads("garage/event", after=seen)].count("connected") == 1
        mark = books.mark()
        await daemon.kill()
        await daemon.start()
        await books.until("BootNotification", after=mark)


async def test_sec_12_the_profile_goes_up_step_by_step(
    mosquitto, make_csms, given, make_daemon, server_context, authority, passwords, certificate_files
):
    server_context.verify_mode = ssl.CERT_OPTIONAL
    authority.configure_trust(server_context)
    plain, secure = await make_csms(None), await make_csms(server_context)
    books = Books(secure)
    keys = {"SecurityProfile": 1, "AuthorizationKey": KEY}
    given_ = given(plain, keys=keys, tls_url=named(secure), **certificate_files)
    early = Books(plain)
    async with Witness(mosquitto.port) as witness:
        daemon = await make_daemon(given_)
        await early.until("BootNotification")
        await witness.event("garage", "connected")
        mark = witness.mark()
        assert await change(plain, "SecurityProfile", "2") == "Accepted"
        await connected(witness, after=mark)
        assert (list(plain.connected), list(secure.connected)) == ([], ["garage"])
        assert "Authorization" in headers_of(secure)
        assert await change(secure, "SecurityProfile", "1") == "Rejected"
        passwords.clear()
        mark = witness.mark()
        assert await change(secure, "SecurityProfile", "3") == "Accepted"
        await connected(witness, after=mark)
        await witness.until("garage/state", lambda state: state["connected"] and state["security_profile"] == 3)
        assert "Authorization" not in headers_of(secure)
        assert (("commonName", "SN-1"),) in tls_of(secure).getpeercert()["subject"]
        assert len(early.all("BootNotification")) + len(books.all("BootNotification")) == 1
        await daemon.kill()
        await daemon.start()
        await books.until("BootNotification")
        assert tls_of(secure).getpeercert()


async def test_sec_12_a_profile_that_does_not_connect_is_taken_back(mosquitto, make_csms, given, make_daemon):
    stranger = context_for(trustme.CA().issue_cert("localhost"))
    plain, secure = await make_csms(None), await make_csms(stranger)
    books = Books(plain)
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given(plain, keys={"AuthorizationKey": KEY}, tls_url=named(secure), security_profile=1))
        await books.until("BootNotification")
        await witness.event("garage", "connected")
        mark = witness.mark()
        assert await change(plain, "SecurityProfile", "2") == "Accepted"
        await witness.until("garage/state", lambda state: state["security_profile"] == 2, after=mark)
        await security_event(witness, "InvalidCentralSystemCertificate", after=mark)
        tried = witness.mark()
        await witness.until("garage/state", lambda state: state["security_profile"] == 1, after=tried)
        event = await witness.event("garage", "connected", after=tried)
        assert event["data"]["url"] == f"{named(plain)}/garage"


async def test_sec_11_sec_17_a_root_that_was_installed_is_trusted(
    mosquitto, make_csms, given, make_daemon, server_context, authority
):
    plain, secure = await make_csms(None), await make_csms(server_context)
    books = Books(plain)
    keys = {"SecurityProfile": 1, "AuthorizationKey": KEY}
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given(plain, keys=keys, tls_url=named(secure), ca_file=None))
        await books.until("BootNotification")
        await witness.event("garage", "connected")
        assert await change(plain, "SecurityProfile", "2") == "Rejected"
        root = {"certificateType": "CentralSystemRootCertificate", "certificate": authority.cert_pem.bytes().decode()}
        assert await plain.call("garage", "InstallCertificate", root) == {"status": "Accepted"}
        mark = witness.mark()
        assert await change(plain, "SecurityProfile", "2") == "Accepted"
        await connected(witness, after=mark)
        assert (list(plain.connected), list(secure.connected)) == ([], ["garage"])


async def test_sec_13_sec_15_sec_16_a_certificate_that_came_over_ocpp_proves_who_it_is(
    mosquitto, make_csms, given, make_daemon, server_context, authority, passwords, tmp_path
):
    server_context.verify_mode = ssl.CERT_OPTIONAL
    authority.configure_trust(server_context)
    csms = await make_csms(server_context)
    books = Books(csms)

    async def accept(identity, payload):
        return {"status": "Accepted"}

    csms.handlers["SignCertificate"] = accept
    keys = {"SecurityProfile": 2, "AuthorizationKey": KEY, "CpoName": "Operator"}
    settings = given(csms, keys=keys)
    settings["twins"][0]["serial_number"] = "SN-2"
    async with Witness(mosquitto.port) as witness:
        daemon = await make_daemon(settings)
        await books.until("StatusNotification")
        await witness.event("garage", "connected")
        trigger = {"requestedMessage": "SignChargePointCertificate"}
        assert await csms.call("garage", "ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
        asked = await books.until("SignCertificate")
        (key,) = (tmp_path / "twins.files" / "garage" / "keys").iterdir()
        assert key.stat().st_mode & 0o777 == 0o600
        chain = {"certificateChain": signed(authority, asked["csr"])}
        assert await csms.call("garage", "CertificateSigned", chain) == {"status": "Accepted"}
        passwords.clear()
        mark = witness.mark()
        assert await change(csms, "SecurityProfile", "3") == "Accepted"
        await connected(witness, after=mark)
        assert (("commonName", "SN-2"),) in tls_of(csms).getpeercert()["subject"]
        assert "Authorization" not in headers_of(csms)
        mark = books.mark()
        await daemon.kill()
        await daemon.start()
        await books.until("BootNotification", after=mark)
        assert (("commonName", "SN-2"),) in tls_of(csms).getpeercert()["subject"]


async def install(csms, authority, kind="CentralSystemRootCertificate"):
    root = {"certificateType": kind, "certificate": authority.cert_pem.bytes().decode()}
    return (await csms.call("garage", "InstallCertificate", root))["status"]


async def test_sec_20_of_two_roots_the_one_that_proves_the_central_system_cannot_be_deleted(
    mosquitto, make_csms, given, make_daemon, server_context
):
    csms = await make_csms(server_context)
    books = Books(csms)
    keys = {"SecurityProfile": 2, "AuthorizationKey": KEY}
    kind = {"certificateType": "CentralSystemRootCertificate"}
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given(csms, keys=keys))
        await books.until("StatusNotification")
        assert await install(csms, trustme.CA(key_type=trustme.KeyType.RSA)) == "Accepted"
        mark = witness.mark()
        await witness.ok("garage/cmd/drop_link", "")
        await connected(witness, after=mark)
        listed = await csms.call("garage", "GetInstalledCertificateIds", kind)
        verdicts = [
            (await csms.call("garage", "DeleteCertificate", {"certificateHashData": each}))["status"]
            for each in listed["certificateHashData"]
        ]
        assert verdicts == ["Failed", "Accepted"]


async def test_sec_18_a_root_is_replaced_and_the_old_one_serves_until_the_central_system_follows(
    mosquitto, make_csms, given, make_daemon, authority, server_context
):
    """M05.FR.09, M05.FR.11 … .13: a server under the old root only, then one under the new root."""
    new = authority.create_child_ca()
    csms = await make_csms(server_context)
    books = Books(csms)
    keys = {"SecurityProfile": 2, "AuthorizationKey": KEY, "AdditionalRootCertificateCheck": True}
    kind = {"certificateType": "CentralSystemRootCertificate"}

    async def roots():
        return len((await csms.call("garage", "GetInstalledCertificateIds", kind))["certificateHashData"])

    async def again(witness):
        mark = witness.mark()
        await witness.ok("garage/cmd/drop_link", "")
        await connected(witness, after=mark)
        return mark

    async with Witness(mosquitto.port) as witness:
        await make_daemon(given(csms, keys=keys))
        await books.until("StatusNotification")
        assert await install(csms, trustme.CA()) == "Rejected"
        assert await install(csms, new) == "Accepted"
        mark = await again(witness)
        await security_event(witness, "InvalidCentralSystemCertificate", after=mark)
        assert await roots() == 2
        new.issue_cert("localhost").configure_cert(server_context)
        await again(witness)
        assert await roots() == 1


@pytest.mark.parametrize("order", [1, -1], ids=["leaf first", "leaf last"])
async def test_sec_15_the_intermediate_authority_is_shown_to_who_knows_the_root_only(
    mosquitto, make_csms, given, make_daemon, server_context, authority, passwords, order
):
    """A02.FR.06, W5.1: the chain may come with what is between."""
    server_context.verify_mode = ssl.CERT_OPTIONAL
    authority.configure_trust(server_context)
    csms = await make_csms(server_context)
    books = Books(csms)
    keys = {"SecurityProfile": 2, "AuthorizationKey": KEY, "CpoName": "Operator"}
    middle = authority.create_child_ca()

    async def accept(identity, payload):
        return {"status": "Accepted"}

    csms.handlers["SignCertificate"] = accept
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given(csms, keys=keys))
        await books.until("StatusNotification")
        trigger = {"requestedMessage": "SignChargePointCertificate"}
        assert await csms.call("garage", "ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
        asked = await books.until("SignCertificate")
        chain = [signed(middle, asked["csr"]), middle.cert_pem.bytes().decode()][::order]
        answer = await csms.call("garage", "CertificateSigned", {"certificateChain": "".join(chain)})
        assert answer == {"status": "Accepted"}
        passwords.clear()
        mark = witness.mark()
        assert await change(csms, "SecurityProfile", "3") == "Accepted"
        await connected(witness, after=mark)
        assert (("commonName", "garage"),) in tls_of(csms).getpeercert()["subject"]
