from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from datetime import UTC, datetime

import pytest
import trustme
from fakes.links import RecordingPeer, central_system, context_for, raw_server, reach
from fakes.tls import alerting, mutual, old, weak, without_san, written

from twin.errors import LinkError
from twin.link.tls import CIPHER_SUITES
from twin.link.websocket import connect
from twin.model.spec import Access
from twin.model.terms import LinkProblem

URL = "wss://localhost/"


@pytest.fixture
def keys(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    return folder


@pytest.fixture
def signed(authority, keys):
    """How a box connects whose certificate came over OCPP."""
    leaf = authority.issue_cert("CP1", common_name="SN-1")
    written(keys / "f00d.pem", leaf.private_key_pem)
    return Access(3, chain=leaf.cert_chain_pems[0].bytes().decode(), key="f00d")


async def opened(target):
    """Open a connection and end it politely."""
    connection = await connect(target, peer := RecordingPeer(), timeout_s=10)
    connection.close()
    assert "(1000)" in await peer.end()


async def refused(target):
    with pytest.raises(LinkError) as caught:
        await connect(target, RecordingPeer(), timeout_s=10)
    return caught.value.problem, str(caught.value)


async def stay(server):
    await server.wait_closed()


async def never(server):
    raise AssertionError("this connection should not have been opened")


def suites(context):
    return [suite["name"] for suite in context.get_ciphers() if suite["protocol"] == "TLSv1.2"]


# --- What a context demands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [0, 1, 2])
def test_sec_05_sec_06_tls_is_new_and_strong_enough_and_checks_the_peer(ca_file, profile):
    context = reach(URL, ca_file=ca_file, access=Access(profile)).ssl
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_COMPRESSION
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert suites(context) == list(CIPHER_SUITES)
    assert all(suite["strength_bits"] >= 128 for suite in context.get_ciphers())


def test_the_host_name_alone_may_be_left_unchecked(ca_file):
    context = reach(URL, ca_file=ca_file, verify_hostname=False).ssl
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, False)


def test_roots_that_the_box_knows_replace_the_file(authority, ca_file):
    pem = trustme.CA().cert_pem.bytes().decode()
    assert reach(URL, ca_file=ca_file, access=Access(2, roots=(pem,))).ssl.cert_store_stats()["x509_ca"] == 1
    assert reach(URL, ca_file=ca_file, access=Access(2, roots=())).ssl.get_ca_certs() == []


def test_without_any_roots_the_machines_count():
    known = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    known.load_default_certs()
    assert reach(URL).ssl.cert_store_stats() == known.cert_store_stats()
    installed = trustme.CA().cert_pem.bytes().decode()
    both = reach(URL, access=Access(2, roots=(installed,))).ssl.cert_store_stats()["x509_ca"]
    assert both == known.cert_store_stats()["x509_ca"] + 1


# --- What twins share -------------------------------------------------------------------------------------------------


def test_a_fleet_shares_its_context_until_the_file_changes(ca_file):
    context = reach(URL, ca_file=ca_file).ssl
    contexts = {
        id(reach(URL, identity=f"CP{n}", ca_file=ca_file, access=Access(2, b"%d" % n)).ssl) for n in range(2000)
    }
    assert contexts == {id(context)}
    os.utime(ca_file, (1, 1))
    assert reach(URL, ca_file=ca_file).ssl is not context


def test_twins_that_trust_the_same_roots_share_a_context(authority):
    def roots():
        return (authority.cert_pem.bytes().decode(),)

    assert reach(URL, access=Access(2, roots=roots())).ssl is reach(URL, access=Access(1, roots=roots())).ssl
    assert reach(URL, access=Access(2, roots=roots())).ssl is not reach(URL, access=Access(2, roots=())).ssl


def test_twins_with_one_certificate_file_share_a_context(authority, ca_file, tmp_path):
    leaf = authority.issue_cert("CP1")
    files = {
        "ca_file": ca_file,
        "certificate_file": written(tmp_path / "cp.pem", *leaf.cert_chain_pems),
        "key_file": written(tmp_path / "cp.key", leaf.private_key_pem),
    }
    assert reach(URL, access=Access(3), **files).ssl is reach("wss://other/", access=Access(3), **files).ssl
    assert reach(URL, access=Access(3), **files).ssl is not reach(URL, access=Access(2), **files).ssl


def test_a_certificate_of_its_own_is_shared_with_nobody(signed, keys, ca_file):
    contexts = [reach(URL, ca_file=ca_file, access=signed, keys=keys).ssl for _ in range(2)]
    assert contexts[0] is not contexts[1]
    assert [path.name for path in keys.iterdir()] == ["f00d.pem"]


@pytest.fixture
def machine_roots(authority, tmp_path, monkeypatch):
    """Let the machine trust our authority, whose certificate OpenSSL finds by a hash of its name."""
    path = written(tmp_path / "root.pem", authority.cert_pem)
    command = ["openssl", "x509", "-noout", "-subject_hash", "-in", path]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    folder = tmp_path / "certs"
    folder.mkdir()
    written(folder / f"{found}.0", authority.cert_pem)
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


async def test_a_certificate_of_its_own_does_not_cost_all_the_machines_roots(
    machine_roots, server_context, signed, keys
):
    async with central_system(stay, host="localhost", context=server_context) as port:
        there = reach(f"wss://localhost:{port}/ocpp", access=signed, keys=keys)
        assert there.ssl.get_ca_certs() == []
        await opened(there)


def test_a_file_with_the_machines_roots_counts_before_a_folder(machine_roots, ca_file, signed, keys, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    assert len(reach(URL, access=signed, keys=keys).ssl.get_ca_certs()) == 1


# --- Files that cannot be used ----------------------------------------------------------------------------------------


def test_a_file_without_certificates_is_refused(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("hello")
    with pytest.raises(LinkError, match=r"csms\.ca_file .*ca\.pem cannot be used"):
        reach(URL, ca_file=str(path))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(LinkError, match=r"none\.pem cannot be read \(No such file or directory\)"):
        reach(URL, ca_file=str(tmp_path / "none.pem"))


def test_roots_that_are_none_are_refused():
    with pytest.raises(LinkError, match="A root certificate that the Central System installed cannot be used"):
        reach(URL, access=Access(2, roots=("hello",)))


def test_profile_3_needs_a_certificate():
    with pytest.raises(LinkError, match=r"needs a certificate of the charge point: set csms\.certificate_file"):
        reach(URL, access=Access(3))


def test_a_key_that_is_gone_is_told(signed, keys):
    (keys / "f00d.pem").unlink()
    with pytest.raises(LinkError, match=r"or its key .*f00d\.pem, cannot be read \(No such file"):
        reach(URL, access=signed, keys=keys)


def test_a_key_of_another_certificate_is_told(authority, signed, keys):
    written(keys / "f00d.pem", authority.issue_cert("other").private_key_pem)
    with pytest.raises(LinkError, match=r"cannot be used \(key values mismatch\)"):
        reach(URL, access=signed, keys=keys)


# --- The other side, as it should be ----------------------------------------------------------------------------------


async def test_tls_with_an_own_authority(ca_file, server_context):
    async def handler(server):
        await server.send(await server.recv())
        await server.wait_closed()

    async with central_system(handler, host="localhost", context=server_context) as port:
        there = reach(f"wss://localhost:{port}/ocpp", ca_file=ca_file, access=Access(2, b"s3cret"))
        connection = await connect(there, peer := RecordingPeer(), timeout_s=10)
        connection.send("x" * 100_000)
        assert await peer.texts.get() == "x" * 100_000
        connection.close(1001)
        assert "(1001)" in await peer.end()


async def test_sec_05_a_name_in_the_common_name_alone_is_good(authority, ca_file):
    context = context_for(without_san(authority, "localhost"))
    async with central_system(stay, host="localhost", context=context) as port:
        await opened(reach(f"wss://localhost:{port}/ocpp", ca_file=ca_file))


async def test_sec_05_another_name_in_the_common_name_is_none(authority, ca_file):
    context = context_for(without_san(authority, "csms.example"))
    async with central_system(never, host="localhost", context=context) as port:
        problem, sentence = await refused(reach(f"wss://localhost:{port}/ocpp", ca_file=ca_file))
    assert problem == LinkProblem.BAD_SERVER_CERTIFICATE
    assert "set csms.verify_hostname to false" in sentence


@pytest.mark.parametrize("suite", CIPHER_SUITES)
async def test_sec_06_each_prescribed_cipher_suite_is_spoken(authority, ca_file, suite):
    leaf = authority.issue_cert(
        "localhost", key_type=trustme.KeyType.ECDSA if "ECDSA" in suite else trustme.KeyType.RSA
    )
    context = context_for(leaf)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    async with central_system(stay, host="localhost", context=context) as port:
        await opened(reach(f"wss://localhost:{port}/ocpp", ca_file=ca_file))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_sec_07_profile_3_shows_the_certificate_and_no_password(authority, ca_file, signed, keys, version):
    shown = []

    async def handler(server):
        tls = server.transport.get_extra_info("ssl_object")
        shown.append((tls.getpeercert()["subject"], server.request.headers.get("Authorization")))
        await server.wait_closed()

    context = mutual(context_for(authority.issue_cert("localhost")), authority)
    context.maximum_version = version
    access = Access(3, b"s3cret", signed.chain, signed.key)
    async with central_system(handler, host="localhost", context=context) as port:
        await opened(reach(f"ws://localhost:{port}/ocpp", ca_file=ca_file, access=access, keys=keys))
    ((subject, authorization),) = shown
    assert (("commonName", "SN-1"),) in subject
    assert authorization is None


async def test_sec_20_the_certificate_of_the_other_side_can_be_seen(authority, ca_file):
    leaf = authority.issue_cert("localhost")
    async with central_system(stay, host="localhost", context=context_for(leaf)) as port:
        there = reach(f"wss://localhost:{port}/ocpp", ca_file=ca_file)
        connection = await connect(there, peer := RecordingPeer(), timeout_s=10)
        assert connection.server_certificate == ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
        connection.close()
        await peer.end()


# --- The other side, as it should not be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda _: trustme.CA().issue_cert("localhost"), "is not trusted"),
        (lambda ca: ca.issue_cert("csms.example"), "is not for the host"),
        (lambda ca: ca.issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC)), "has expired"),
        (lambda ca: without_san(ca, "localhost", rsa_bits=1024), "is not trusted (EE certificate key too weak)"),
    ],
)
async def test_sec_05_a_server_that_does_not_prove_itself_is_left(authority, ca_file, make, expected):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    make(authority).configure_cert(context)
    async with central_system(never, host="localhost", context=context) as port:
        problem, sentence = await refused(reach(f"wss://localhost:{port}/ocpp", ca_file=ca_file))
    assert problem == LinkProblem.BAD_SERVER_CERTIFICATE
    assert expected in sentence


@pytest.mark.parametrize(
    ("spoil", "problem", "expected"),
    [
        (old, LinkProblem.TLS_VERSION, "speaks no TLS as new as 1.2"),
        (weak, LinkProblem.CIPHER_SUITE, "no cipher suite in common"),
    ],
)
async def test_sec_06_what_is_too_old_or_too_weak_is_told_apart(ca_file, server_context, spoil, problem, expected):
    async with raw_server(alerting(spoil(server_context))) as port:
        told = await refused(reach(f"wss://127.0.0.1:{port}/ocpp", ca_file=ca_file))
    assert told[0] == problem
    assert expected in told[1]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_the_server_does_not_take(ca_file, server_context, signed, keys, version):
    context = mutual(server_context, trustme.CA())
    context.maximum_version = version
    async with raw_server(alerting(context)) as port:
        problem, sentence = await refused(
            reach(f"wss://127.0.0.1:{port}/ocpp", ca_file=ca_file, access=signed, keys=keys)
        )
    assert problem == LinkProblem.UNAUTHORIZED
    assert "does not accept the certificate of this side" in sentence


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_the_server_does_not_take_without_a_word(
    ca_file, server_context, signed, keys, version
):
    context = mutual(server_context, trustme.CA())
    context.maximum_version = version
    async with central_system(never, host="localhost", context=context) as port:
        there = reach(f"wss://localhost:{port}/ocpp", ca_file=ca_file, access=signed, keys=keys)
        problem, sentence = await refused(there)
    assert problem == LinkProblem.UNAUTHORIZED
    assert "does not accept the certificate of this side, or misses it (closed" in sentence


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_sec_23_a_certificate_that_is_missing_is_no_cipher_suite(ca_file, server_context, authority, version):
    """In TLS 1.2 the alert for both is the same: handshake failure."""
    server_context.maximum_version = version
    async with raw_server(alerting(mutual(server_context, authority))) as port:
        problem, sentence = await refused(reach(f"wss://127.0.0.1:{port}/ocpp", ca_file=ca_file))
    assert problem == LinkProblem.UNAUTHORIZED
    assert "check csms.security_profile and csms.certificate_file" in sentence


async def test_a_server_that_never_shakes_hands_is_left_in_time(ca_file):
    gone = asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        assert await reader.readexactly(5)
        while await reader.read(65536):
            pass
        gone.set_result(True)

    async with raw_server(script) as port:
        there = reach(f"wss://127.0.0.1:{port}/ocpp", ca_file=ca_file)
        with pytest.raises(LinkError, match=r"did not answer within 0\.05 s") as caught:
            await connect(there, RecordingPeer(), timeout_s=0.05)
        assert await gone
    assert caught.value.problem == LinkProblem.UNREACHABLE


async def test_a_server_that_shakes_hands_slowly_keeps_nobody_waiting(ca_file, server_context):
    asked = asyncio.Event()

    async def script(reader, writer):
        asked.set()
        while await reader.read(65536):
            pass

    async with raw_server(script) as slow, central_system(stay, context=server_context) as quick:
        there = reach(f"wss://127.0.0.1:{slow}/ocpp", ca_file=ca_file)
        waiting = asyncio.create_task(connect(there, RecordingPeer(), timeout_s=10))
        await asked.wait()
        await opened(reach(f"wss://127.0.0.1:{quick}/ocpp", ca_file=ca_file))
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
