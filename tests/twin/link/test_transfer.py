from __future__ import annotations

import asyncio
import stat
from base64 import b64encode

import pytest
from aiohttp import web
from fakes.file_servers import (
    LOGIN,
    PASSWORD,
    USER,
    breaking_off_once,
    ftp_server,
    http_server,
    implicit_ftps_server,
)
from fakes.links import context_for, raw_server

from twin.errors import TransferError
from twin.link.bounds import Bounds
from twin.link.transfer import fetch, upload
from twin.model.terms import TransferProblem

IMAGE = bytes(range(256)) * 4096
# The loop that files move in (twin.link.aside).
pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

BASIC = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
QUICK = Bounds(connect_s=5.0, idle_s=5.0, total_s=10.0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "firmware").mkdir()
    return tmp_path / "firmware"


@pytest.fixture
def served(tmp_path):
    (tmp_path / "served" / "logs").mkdir(parents=True)
    (tmp_path / "served" / "fw-2.1.0.bin").write_bytes(IMAGE)
    return tmp_path / "served"


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log.zip").write_bytes(IMAGE)
    return tmp_path / "log.zip"


@pytest.fixture
def roots(authority):
    return (authority.cert_pem.bytes().decode(),)


@pytest.fixture
def certificate(authority):
    return authority.issue_cert("127.0.0.1", "localhost")


@pytest.fixture
def ftp_certificate(certificate, tmp_path):
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    return tmp_path / "server.pem"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


async def refused(what, problem):
    with pytest.raises(TransferError) as refusal:
        await what
    assert refusal.value.problem is problem, refusal.value.detail
    assert PASSWORD not in refusal.value.detail
    return refusal.value.detail


def answering(body=IMAGE, **fields):
    async def handler(_request):
        return web.Response(body=body, **fields)

    return handler


# --- Fetching by HTTP -------------------------------------------------------------------------------------------------


async def test_fw_08_a_file_comes_by_http_and_replaces_all_else(folder):
    (folder / "fw-1.0.bin").write_bytes(b"old")
    (folder / ".ffff.part").write_bytes(b"of another")
    async with http_server(answering()) as root:
        path = await fetch(f"{root}/new/fw-2.1.0.bin?key=1", folder, QUICK)
    assert path == folder / "fw-2.1.0.bin"
    assert path.read_bytes() == IMAGE
    assert names(folder) == ["fw-2.1.0.bin"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_fw_08_user_and_password_of_the_url_go_as_http_basic(folder):
    seen = []

    async def handler(request):
        seen.append((request.headers.get("Authorization"), request.path_qs))
        return web.Response(body=b"x")

    async with http_server(handler) as root:
        await fetch(root.replace("://", f"://{LOGIN}@") + "/a%2Fb?c=%20", folder, QUICK)
        await fetch(f"{root}/", folder, QUICK)
    assert seen == [(BASIC, "/a%2Fb?c=%20"), (None, "/")]


async def test_fw_08_a_file_comes_by_https(folder, certificate, roots):
    async with http_server(answering(), certificate=certificate) as root:
        assert (await fetch(f"{root}/fw.bin", folder, QUICK, roots)).read_bytes() == IMAGE


async def test_a_certificate_that_nobody_vouches_for_is_refused(folder, certificate):
    async with http_server(answering(), certificate=certificate) as root:
        detail = await refused(fetch(f"{root}/fw.bin", folder, QUICK), TransferProblem.FAILED)
    assert "is not trusted" in detail
    assert "csms.ca_file" in detail


async def test_a_server_without_tls_is_no_https(folder):
    async with http_server(answering()) as root:
        detail = await refused(fetch(root.replace("http", "https"), folder, QUICK), TransferProblem.FAILED)
    assert "no TLS" in detail


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (202, TransferProblem.FAILED),
        (401, TransferProblem.DENIED),
        (403, TransferProblem.DENIED),
        (404, TransferProblem.FAILED),
        (500, TransferProblem.FAILED),
    ],
)
async def test_a_refusal_is_told_with_its_status(folder, status, problem):
    async with http_server(answering(status=status)) as root:
        detail = await refused(fetch(root.replace("://", f"://{LOGIN}@"), folder, QUICK), problem)
    assert f"(HTTP {status})" in detail
    assert names(folder) == []


async def test_a_file_that_is_too_large_is_not_even_begun(folder):
    (folder / "fw-1.0.bin").write_bytes(b"old")
    async with http_server(answering()) as root:
        detail = await refused(fetch(root, folder, Bounds(max_size=len(IMAGE) - 1)), TransferProblem.TOO_LARGE)
    assert "transfers.max_size" in detail
    assert names(folder) == ["fw-1.0.bin"]


async def test_a_file_that_does_not_say_its_size_ends_at_the_bound(folder):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(IMAGE)

    async with http_server(handler) as root:
        await refused(fetch(root, folder, Bounds(max_size=3 * len(IMAGE))), TransferProblem.TOO_LARGE)
    (part,) = folder.iterdir()
    assert part.stat().st_size <= 3 * len(IMAGE)


async def test_a_file_that_breaks_off_is_not_taken_for_whole(folder):
    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
        await writer.drain()

    async with raw_server(script) as port:
        await refused(fetch(f"http://127.0.0.1:{port}/fw.bin", folder, QUICK), TransferProblem.FAILED)
    assert not (folder / "fw.bin").exists()


async def test_what_the_server_says_of_name_and_packing_does_not_count(folder):
    headers = {"Content-Disposition": 'attachment; filename="../../evil"', "Content-Encoding": "gzip"}
    async with http_server(answering(b"not packed", headers=headers)) as root:
        path = await fetch(f"{root}/..%2F..%2Ffw.bin", folder, QUICK)
    assert (path, path.read_bytes()) == (folder / "fw.bin", b"not packed")


@pytest.mark.parametrize("script", ["nothing", "slow header", "slow body"])
async def test_a_server_that_is_too_slow_is_given_up(folder, script):
    async def slow(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if script == "slow header":
            writer.write(b"HTTP/1.1 200 OK\r\n")
        elif script == "slow body":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await reader.read()

    async with raw_server(slow) as port:
        bounds = Bounds(idle_s=0.05)
        detail = await refused(fetch(f"http://127.0.0.1:{port}/", folder, bounds), TransferProblem.FAILED)
    assert "takes too long" in detail


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "ftps"])
async def test_a_server_that_drips_for_ever_is_given_up(folder, scheme):
    async def drip(_reader, writer):
        writer.write(b"220-" if scheme.startswith("ftp") else b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x\r\n")
            await writer.drain()
            await asyncio.sleep(0)

    async with raw_server(drip) as port:
        url = f"{scheme}://127.0.0.1:{port}/"
        await refused(fetch(url, folder, Bounds(total_s=0.2)), TransferProblem.FAILED)


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "ftps"])
@pytest.mark.parametrize("words", [b"", b"\x00\xff" * 8, b"what?\r\n" * 3, b"220 hello\r\n500 no\r\n", b"x" * 100_000])
async def test_a_server_of_something_else_is_told_as_that(folder, scheme, words):
    async def babble(_reader, writer):
        writer.write(words)
        await writer.drain()

    async with raw_server(babble) as port:
        await refused(fetch(f"{scheme}://127.0.0.1:{port}/", folder, QUICK), TransferProblem.FAILED)


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "ftps"])
async def test_nobody_there_is_told(folder, scheme):
    async with raw_server(lambda _reader, _writer: asyncio.sleep(0)) as port:
        pass
    detail = await refused(fetch(f"{scheme}://{LOGIN}@127.0.0.1:{port}/", folder, QUICK), TransferProblem.FAILED)
    assert "cannot be reached" in detail


async def test_a_host_without_an_address_is_told(folder):
    detail = await refused(fetch("http://nowhere.invalid/fw", folder, QUICK), TransferProblem.FAILED)
    assert "nowhere.invalid" in detail


# --- Redirects --------------------------------------------------------------------------------------------------------


async def test_a_redirect_is_followed_but_the_password_stays(folder):
    seen = []

    async def elsewhere(request):
        seen.append((request.path, request.headers.get("Authorization"), request.headers.get("Cookie")))
        return web.Response(body=b"moved")

    async with http_server(elsewhere) as other:

        async def handler(request):
            if request.path == "/first":
                there = request.headers["Host"]
                return web.Response(
                    status=302, headers={"Location": f"http://me:you@{there}/second", "Set-Cookie": "a=b"}
                )
            seen.append((request.path, request.headers.get("Authorization"), request.headers.get("Cookie")))
            return web.Response(status=307, headers={"Location": other.replace("://", "://me:you@") + "/third"})

        async with http_server(handler) as root:
            path = await fetch(root.replace("://", f"://{LOGIN}@") + "/first", folder, QUICK)
    assert (path.name, path.read_bytes()) == ("first", b"moved")
    assert seen == [("/second", BASIC, None), ("/third", None, None)]


async def test_a_redirect_in_a_circle_ends(folder):
    async with http_server(answering(status=302, headers={"Location": "/again"})) as root:
        detail = await refused(fetch(root, folder, QUICK), TransferProblem.FAILED)
    assert "again and again" in detail


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/x", "ftp://127.0.0.1/x"])
async def test_a_redirect_to_what_is_less_safe_is_not_followed(folder, certificate, roots, location):
    handler = answering(status=302, headers={"Location": location})
    async with http_server(handler, certificate=certificate) as root:
        detail = await refused(fetch(root, folder, QUICK, roots), TransferProblem.FAILED)
    assert "less safe" in detail


async def test_a_redirect_to_a_file_of_this_machine_is_not_followed(folder):
    async with http_server(answering(status=302, headers={"Location": "file:///etc/passwd"})) as root:
        await refused(fetch(root, folder, QUICK), TransferProblem.UNSUPPORTED)


# --- Uploading by HTTP ------------------------------------------------------------------------------------------------


class Uploads:
    """Take files by the methods that it knows, and remember them."""

    def __init__(self, *methods, status=405):
        self.methods = methods
        self.status = status
        self.taken = []

    async def __call__(self, request):
        if request.method not in self.methods:
            await request.read()
            return web.Response(status=self.status)
        if request.method == "POST":
            (field,) = (await request.post()).items()
            name, file = field
            self.taken.append((request.method, request.path_qs, (name, file.filename, file.file.read())))
            file.file.close()
        else:
            self.taken.append((request.method, request.path_qs, await request.read()))
        return web.Response(status=201)


@pytest.mark.parametrize("location", ["/logs", "/logs/"])
async def test_dg_02_a_file_is_put_under_its_name(log, location):
    uploads = Uploads("PUT")
    async with http_server(uploads) as root:
        await upload(log, "box 1.zip", root + location, QUICK)
    assert uploads.taken == [("PUT", "/logs/box%201.zip", IMAGE)]


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_dg_02_a_server_that_knows_no_put_gets_a_form(log, status):
    uploads = Uploads("POST", status=status)
    async with http_server(uploads) as root:
        await upload(log, "box.zip", f"{root}/logs", QUICK)
    assert uploads.taken == [("POST", "/logs", ("file", "box.zip", IMAGE))]


async def test_dg_02_a_signed_location_is_taken_as_it_is(log):
    uploads = Uploads("PUT")
    async with http_server(uploads) as root:
        await upload(log, "box.zip", f"{root}/logs/of-today?sig=a%2Fb", QUICK)
    assert uploads.taken == [("PUT", "/logs/of-today?sig=a%2Fb", IMAGE)]


async def test_an_upload_follows_a_redirect_with_the_whole_file(log):
    uploads = Uploads("PUT")

    async def handler(request):
        if request.path.startswith("/old"):
            return web.Response(status=307, headers={"Location": "/new/box.zip"})
        return await uploads(request)

    async with http_server(handler) as root:
        await upload(log, "box.zip", f"{root}/old", QUICK)
    assert uploads.taken == [("PUT", "/new/box.zip", IMAGE)]


@pytest.mark.parametrize("status", [302, 303])
async def test_a_form_that_is_answered_with_a_page_elsewhere_was_taken(log, status):
    uploads = Uploads("POST")

    async def handler(request):
        if request.method == "GET":
            return web.Response(text="thank you")
        answer = await uploads(request)
        return web.Response(status=status, headers={"Location": "/thanks"}) if request.method == "POST" else answer

    async with http_server(handler) as root:
        await upload(log, "box.zip", f"{root}/logs", QUICK)
    assert uploads.taken == [("POST", "/logs", ("file", "box.zip", IMAGE))]


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (401, TransferProblem.DENIED),
        (405, TransferProblem.UNSUPPORTED),
        (413, TransferProblem.TOO_LARGE),
        (500, TransferProblem.FAILED),
    ],
)
async def test_sec_26_an_upload_that_is_refused_says_why(log, status, problem):
    async with http_server(Uploads(status=status)) as root:
        detail = await refused(upload(log, "box.zip", root.replace("://", f"://{LOGIN}@"), QUICK), problem)
    assert f"(HTTP {status})" in detail


async def test_an_upload_to_a_server_that_reads_nothing_is_given_up(log):
    done = asyncio.Event()

    async def script(_reader, _writer):
        await done.wait()

    log.write_bytes(IMAGE * 16)
    async with raw_server(script) as port:
        url = f"http://127.0.0.1:{port}/"
        await refused(upload(log, "box.zip", url, Bounds(total_s=0.1)), TransferProblem.FAILED)
        done.set()


# --- FTP --------------------------------------------------------------------------------------------------------------


async def test_fw_08_a_file_comes_by_ftp(folder, served):
    with ftp_server(served) as server:
        path = await fetch(server.url("fw-2.1.0.bin"), folder, QUICK)
    assert (path, path.read_bytes()) == (folder / "fw-2.1.0.bin", IMAGE)
    assert names(folder) == ["fw-2.1.0.bin"]


async def test_fw_08_who_has_no_user_is_anonymous(folder, served):
    with ftp_server(served) as server:
        assert (await fetch(server.url("fw-2.1.0.bin", login=""), folder, QUICK)).read_bytes() == IMAGE
    assert "USER anonymous" in server.commands


async def begin(server, folder):
    """Let the first download break off half way."""
    await refused(fetch(server.url("fw-2.1.0.bin"), folder, QUICK), TransferProblem.FAILED)
    (half,) = folder.iterdir()
    assert len(IMAGE) // 2 <= half.stat().st_size < len(IMAGE)
    return half


async def test_fw_08_a_download_by_ftp_goes_on_where_it_ended(folder, served):
    with ftp_server(served, **breaking_off_once(len(IMAGE) // 2)) as server:
        size = (await begin(server, folder)).stat().st_size
        assert (await fetch(server.url("fw-2.1.0.bin"), folder, QUICK)).read_bytes() == IMAGE
        assert f"REST {size}" in server.commands
    assert names(folder) == ["fw-2.1.0.bin"]


async def test_fw_08_a_file_that_changed_meanwhile_begins_anew(folder, served):
    with ftp_server(served, **breaking_off_once(len(IMAGE) // 2)) as server:
        await begin(server, folder)
        (served / "fw-2.1.0.bin").write_bytes(IMAGE[::-1] + b"more")
        assert (await fetch(server.url("fw-2.1.0.bin"), folder, QUICK)).read_bytes() == IMAGE[::-1] + b"more"
    assert names(folder) == ["fw-2.1.0.bin"]


async def test_fw_08_a_server_that_cannot_go_on_begins_anew(folder, served):
    def refuse(handler, _line):
        handler.respond("502 Not here.")

    with ftp_server(served, **breaking_off_once(len(IMAGE) // 2), ftp_REST=refuse) as server:
        await begin(server, folder)
        assert (await fetch(server.url("fw-2.1.0.bin"), folder, QUICK)).read_bytes() == IMAGE


async def test_a_file_that_was_whole_before_a_crash_is_not_fetched_again(folder, served):
    with ftp_server(served, **breaking_off_once(len(IMAGE) // 2)) as server:
        half = await begin(server, folder)
        half.write_bytes(IMAGE)
        server.commands.clear()
        assert (await fetch(server.url("fw-2.1.0.bin"), folder, QUICK)).read_bytes() == IMAGE
        assert not [command for command in server.commands if command.startswith("RETR")]


async def test_a_server_that_knows_neither_size_nor_date_will_do(folder, served):
    def refuse(handler, _line):
        handler.respond("502 Not here.")

    with ftp_server(served, ftp_SIZE=refuse, ftp_MDTM=refuse) as server:
        assert (await fetch(server.url("fw-2.1.0.bin"), folder, QUICK)).read_bytes() == IMAGE


async def test_a_file_of_ftp_that_is_too_large_is_not_even_begun(folder, served):
    with ftp_server(served) as server:
        await refused(fetch(server.url("fw-2.1.0.bin"), folder, Bounds(max_size=9)), TransferProblem.TOO_LARGE)
        assert not [command for command in server.commands if command.startswith("RETR")]


async def test_a_wrong_password_is_told_without_it(folder, served, log):
    with ftp_server(served) as server:
        wrong = server.url("fw-2.1.0.bin", login="box:s3cr3t@")
        for what in (fetch(wrong, folder, QUICK), upload(log, "x", wrong, QUICK)):
            detail = await refused(what, TransferProblem.DENIED)
            assert "check user and password" in detail
            assert "s3cr3t" not in detail


async def test_a_file_that_is_not_there_is_told(folder, served):
    with ftp_server(served) as server:
        detail = await refused(fetch(server.url("none.bin"), folder, QUICK), TransferProblem.FAILED)
    assert "(FTP 550)" in detail


@pytest.mark.parametrize(("path", "place"), [("logs", "logs/box.zip"), ("logs/", "logs/box.zip"), ("", "box.zip")])
async def test_dg_02_a_file_goes_by_ftp_into_the_folder(served, log, path, place):
    with ftp_server(served) as server:
        await upload(log, "box.zip", server.url(path), QUICK)
    assert (served / place).read_bytes() == IMAGE


@pytest.mark.parametrize("path", ["none/", "fw-2.1.0.bin/"])
async def test_an_upload_into_a_folder_that_is_none_fails(served, log, path):
    with ftp_server(served) as server:
        await refused(upload(log, "box.zip", server.url(path), QUICK), TransferProblem.FAILED)


async def test_an_upload_without_rights_fails(served, log):
    with ftp_server(served) as server:
        await refused(upload(log, "box.zip", server.url(login=""), QUICK), TransferProblem.FAILED)


async def test_fw_08_ftps_after_auth_tls(folder, served, log, ftp_certificate, roots):
    with ftp_server(served, certificate=ftp_certificate) as server:
        assert (await fetch(server.url("fw-2.1.0.bin", scheme="ftps"), folder, QUICK, roots)).read_bytes() == IMAGE
        await upload(log, "box.zip", server.url("logs", scheme="ftps"), QUICK, roots)
    assert (served / "logs" / "box.zip").read_bytes() == IMAGE


async def test_fw_08_ftps_from_the_first_byte_on(folder, served, log, certificate, roots):
    async with implicit_ftps_server(served, context_for(certificate)) as port:
        url = f"ftps://{LOGIN}@127.0.0.1:{port}/"
        assert (await fetch(f"{url}fw-2.1.0.bin", folder, QUICK, roots)).read_bytes() == IMAGE
        await upload(log, "box.zip", f"{url}logs", QUICK, roots)
    assert (served / "logs" / "box.zip").read_bytes() == IMAGE


async def test_ftps_with_a_certificate_that_nobody_vouches_for_is_refused(folder, served, certificate, ftp_certificate):
    with ftp_server(served, certificate=ftp_certificate) as server:
        detail = await refused(fetch(server.url("fw-2.1.0.bin", scheme="ftps"), folder, QUICK), TransferProblem.FAILED)
        assert "is not trusted" in detail
    async with implicit_ftps_server(served, context_for(certificate)) as port:
        detail = await refused(fetch(f"ftps://{LOGIN}@127.0.0.1:{port}/x", folder, QUICK), TransferProblem.FAILED)
        assert "is not trusted" in detail


async def test_no_password_is_said_where_ftps_finds_no_tls(folder, served):
    with ftp_server(served) as server:
        await refused(fetch(server.url("fw-2.1.0.bin", scheme="ftps"), folder, QUICK), TransferProblem.FAILED)
    assert not [command for command in server.commands if command.startswith(("USER", "PASS"))]
