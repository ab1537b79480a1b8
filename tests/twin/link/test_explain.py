from __future__ import annotations

import errno
import socket
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from fakes.links import RecordingPeer, answering, central_system, context_for, raw_server, reach, target_at

from twin.errors import LinkError
from twin.link.explain import hung_up, unheard, unreachable
from twin.link.websocket import connect
from twin.model.spec import Access
from twin.model.terms import LinkProblem


async def why(target):
    return str(await refusal(target))


async def refusal(target):
    with pytest.raises(LinkError) as caught:
        await connect(target, RecordingPeer(), timeout_s=10)
    return caught.value


async def never(server):
    raise AssertionError("this connection should not have been opened")


def secure(port, host="localhost", **csms):
    return reach(f"wss://{host}:{port}/ocpp", **csms)


@pytest.mark.parametrize(
    ("status", "access", "expected"),
    [
        (401, Access(), "(HTTP 401): set csms.password"),
        (401, Access(0, b"wrong"), "(HTTP 401): check csms.password and the identity"),
        (401, Access(3), "does not accept the certificate (HTTP 401): check its names"),
        (403, Access(), "(HTTP 403): check the identity and its rights"),
        (404, Access(), "does not know ws://127.0.0.1:{port}/ocpp/CP1 (HTTP 404): add the identity"),
        (302, Access(), "has moved (HTTP 302): set csms.url"),
        (429, Access(), "(HTTP 429): raise csms.backoff"),
        (500, Access(), "(HTTP 500): look into its log"),
        (503, Access(), "is away, says a proxy before it (HTTP 503)"),
        (200, Access(), "is a web page, no OCPP-J endpoint (HTTP 200): check csms.url"),
        (418, Access(), "is no OCPP-J endpoint (HTTP 418): check csms.url"),
        (400, Access(), "wants no WebSocket (HTTP 400): check csms.url, whether it speaks OCPP 1.6 there"),
        (426, Access(), "whether a proxy before it passes WebSockets on"),
        (400, Access(3), "does not accept the certificate (HTTP 400): look into its log"),
    ],
)
async def test_t_05_t_06_a_refusal_over_http(status, access, expected):
    async with raw_server(answering(f"HTTP/1.1 {status} Why\r\nContent-Length: 0\r\n\r\n".encode())) as port:
        there = target_at(port, profile=access.profile, username="CP1", password=access.password)
        error = await refusal(there)
    assert expected.format(port=port) in str(error)
    assert str(error).endswith(".")
    away, refused = status in (429, 503), status in (401, 403) or access.profile == 3
    assert error.problem == (
        LinkProblem.UNREACHABLE if away else LinkProblem.UNAUTHORIZED if refused else LinkProblem.OTHER
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nothing_listens(host):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert f"Nothing listens at ws://{host}:{port}/ocpp/CP1: start the" in await why(target_at(port, host=host))


async def test_a_host_that_no_dns_knows():
    sentence = await why(target_at(1, host="csms.invalid"))
    assert "The host name in ws://csms.invalid:1/ocpp/CP1 cannot be resolved" in sentence


async def test_an_authority_that_is_not_ours(ca_file):
    stranger = context_for(trustme.CA().issue_cert("localhost"))
    async with central_system(never, host="localhost", context=stranger) as port:
        sentence = await why(secure(port, ca_file=ca_file))
    assert "is not trusted" in sentence
    assert "set csms.ca_file to the authority that issued it" in sentence


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_certificate_for_another_host(authority, ca_file, host):
    other = context_for(authority.issue_cert("csms.example", "192.0.2.1"))
    async with central_system(never, host=host, context=other) as port:
        assert "set csms.verify_hostname to false" in await why(secure(port, host, ca_file=ca_file))


async def test_a_certificate_for_another_host_may_be_allowed(authority, ca_file):
    async def handler(server):
        await server.wait_closed()

    other = context_for(authority.issue_cert("csms.example"))
    async with central_system(handler, host="localhost", context=other) as port:
        allowed = secure(port, ca_file=ca_file, verify_hostname=False)
        connection = await connect(allowed, peer := RecordingPeer(), timeout_s=10)
        connection.close()
        await peer.end()


async def test_a_certificate_that_has_expired(authority, ca_file):
    expired = context_for(authority.issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC)))
    async with central_system(never, host="localhost", context=expired) as port:
        assert "has expired: renew it, or correct this machine's clock" in await why(secure(port, ca_file=ca_file))


async def test_a_certificate_that_is_not_valid_yet(authority, ca_file):
    early = context_for(authority.issue_cert("localhost", not_before=datetime.now(UTC) + timedelta(days=1)))
    async with central_system(never, host="localhost", context=early) as port:
        assert "is not valid yet: correct this machine's clock" in await why(secure(port, ca_file=ca_file))


async def test_a_new_address_is_named():
    answer = b"HTTP/1.1 301 Moved\r\nServer: x\r\nLocation: wss://new.example/ocpp/CP1\r\n\r\n"
    async with raw_server(answering(answer)) as port:
        sentence = await why(target_at(port))
    assert "set csms.url to its new address, wss://new.example/ocpp/CP1, without the identity" in sentence


def test_how_the_end_comes_makes_no_other_reason():
    there = target_at(1)
    assert str(hung_up(there)) == str(hung_up(there, ConnectionResetError(104, "Connection reset by peer")))
    assert "(odd)" in str(hung_up(there, OSError("odd")))


def test_a_connection_that_ended_before_a_word():
    assert unheard("It broke.", "ws://h/CP1") == (
        "It broke. It had not said anything yet: check whether it knows the identity in ws://h/CP1, and its log."
    )


async def test_tls_where_there_is_none(ca_file):
    async def script(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with raw_server(script) as port:
        assert "No TLS with wss://localhost" in await why(secure(port, ca_file=ca_file))


async def test_no_tls_where_there_is_some(server_context):
    async with central_system(never, context=server_context) as port:
        assert f"whether ws://127.0.0.1:{port}/ocpp/CP1 wants wss://" in await why(target_at(port))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "raise the limit (ulimit -n"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "cannot be reached (Network is unreachable)"),
        (OSError("Multiple exceptions: [Errno 111] …, [Errno 111] …"), "Nothing listens at"),
        (ConnectionResetError(), "cannot be reached"),
    ],
)
def test_what_the_system_says(error, expected):
    assert expected in str(unreachable(error, target_at(9000)))
