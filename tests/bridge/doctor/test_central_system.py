import asyncio
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from fakes.free import free_port
from fakes.links import answering, central_system, context_for, raw_server, upgrade

from bridge.doctor.central_system import chosen, examined, told
from bridge.doctor.findings import Verdict
from twin.model.spec import CsmsSpec, KeyAs, KeySpec, TwinSpec

KEYS = Path("/nonexistent")


def box(url, *, keys=None, **csms):
    return TwinSpec("garage", "CP 1/ä", csms=CsmsSpec(url, **csms), keys=keys or {})


async def look(spec, *, shake_hands=True):
    return await examined(spec, KEYS, shake_hands=shake_hands)


async def test_a_handshake_is_all_that_happens():
    seen = []

    async def handler(server):
        seen.append((server.request.path, [text async for text in server], server.close_code))

    async with central_system(handler) as port:
        (found,) = await look(box(f"ws://127.0.0.1:{port}/ocpp"))
    assert found.verdict is Verdict.OK
    assert found.said == (f"ws://127.0.0.1:{port}/ocpp/CP%201%2F%C3%A4 opens a WebSocket for garage, with ocpp1.6")
    assert seen == [("/ocpp/CP%201%2F%C3%A4", [], 1000)]


async def test_beside_a_daemon_only_the_connection_is_tried():
    came = asyncio.Event()

    async def script(reader, _writer):
        assert await reader.read() == b""
        came.set()

    async with raw_server(script) as port:
        (found,) = await look(box(f"ws://127.0.0.1:{port}/ocpp"), shake_hands=False)
        await came.wait()
    assert found.said == f"127.0.0.1:{port} is reached by TCP; --connect tries the WebSocket of garage, too"


@pytest.mark.parametrize("shake_hands", [True, False])
async def test_nothing_listens(shake_hands):
    (found,) = await look(box(f"ws://127.0.0.1:{free_port()}/ocpp"), shake_hands=shake_hands)
    assert (found.verdict, found.remedy) == (Verdict.WRONG, "start the Central System, or correct csms.url")


async def test_a_name_that_no_dns_knows():
    (found,) = await look(box("ws://csms.invalid/ocpp"), shake_hands=False)
    assert "cannot be resolved" in found.said


async def test_a_refusal():
    async with raw_server(answering(b"HTTP/1.1 404 Not Found\r\n\r\n")) as port:
        (found,) = await look(box(f"ws://127.0.0.1:{port}/ocpp"))
    assert "(HTTP 404)" in found.said
    assert found.remedy == "add the identity there or correct csms.url"


async def test_clocks_that_differ_are_noted():
    late = format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)

    async def script(reader, writer):
        await upgrade(reader, writer, headers=f"Sec-WebSocket-Protocol: ocpp1.6\r\nDate: {late}\r\n")

    async with raw_server(script) as port:
        _, found = await look(box(f"ws://127.0.0.1:{port}/ocpp"))
    assert (found.what, found.verdict) == ("clock", Verdict.NOTE)
    assert "s behind" in found.said


@pytest.mark.parametrize("shake_hands", [True, False])
async def test_tls_and_how_long_its_certificate_lasts(tmp_path, shake_hands):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ends = datetime.now(UTC) + timedelta(days=5, hours=1)
    leaf = authority.issue_cert("localhost", not_after=ends)

    async def handler(server):
        await server.wait_closed()

    async with central_system(handler, host="localhost", context=context_for(leaf)) as port:
        there = f"wss://localhost:{port}/ocpp"
        good = await look(box(there, ca_file=str(tmp_path / "ca.pem")), shake_hands=shake_hands)
        bad = await look(box(there), shake_hands=shake_hands)
    assert [(found.verdict, found.remedy) for found in good][1] == (Verdict.NOTE, "renew it soon")
    assert good[1].said == "its certificate is valid for 5 days"
    assert "is not trusted" in bad[0].said


@pytest.mark.parametrize(
    ("csms", "keys", "sent"),
    [
        ({"password": "p"}, {}, b"p"),
        ({"security_profile": 1, "password": "p"}, {"authorizationKey": KeySpec("4f43")}, b"OC"),
        (
            {"security_profile": 1, "authorization_key_as": KeyAs.TEXT},
            {"AuthorizationKey": KeySpec("4f43")},
            b"4f43",
        ),
    ],
)
async def test_the_password_is_the_one_that_a_twin_would_send(csms, keys, sent):
    requests = []

    async def script(reader, writer):
        requests.append(await upgrade(reader, writer))

    async with raw_server(script) as port:
        await look(box(f"ws://127.0.0.1:{port}/ocpp", keys=keys, **csms))
    assert f"Authorization: Basic {b64encode('CP 1/ä:'.encode() + sent).decode()}" in requests[0]


def test_a_client_certificate_that_has_expired():
    spec = box("ws://127.0.0.1:1", certificate_file="cp.pem", certificate_validity=(0.0, 86_400.0))
    found = asyncio.run(look(spec))[0]
    assert (found.verdict, found.said.split(" expired ")[0]) == (Verdict.WRONG, "cp.pem")


def test_one_twin_for_each_central_system():
    one, other = CsmsSpec("ws://one"), CsmsSpec("ws://other")
    twins = [TwinSpec(str(number), str(number), csms=csms) for number, csms in enumerate((one, other, one, other))]
    assert [spec.id for spec in chosen(twins, 10)] == ["0", "1"]
    assert [spec.id for spec in chosen(twins, 1)] == ["0"]


@pytest.mark.parametrize(
    ("state", "verdict", "said"),
    [
        ({"connected": True, "registration": "Accepted"}, "ok", "garage is connected and accepted"),
        ({"connected": True, "registration": "Rejected"}, "note", "the answer to its BootNotification: Rejected"),
        ({"connected": True, "registration": None}, "note", "the answer to its BootNotification: none yet"),
        ({"connected": False, "registration": None}, "note", "garage is not connected"),
        (None, "note", "has not told of this twin"),
    ],
)
def test_what_a_running_twin_tells(state, verdict, said):
    found = told(box("ws://h"), state)
    assert found.verdict == verdict
    assert said in found.said
