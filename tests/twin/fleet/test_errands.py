from __future__ import annotations

import asyncio
import json
import zipfile
from io import BytesIO

import pytest
import trustme
from aiohttp import web
from cryptography import x509
from fakes.file_servers import http_server
from fakes.links import raw_server
from fakes.store import MemoryStore
from fakes.world import T0

from twin.errors import StoreError
from twin.fleet.clock import Clock
from twin.fleet.errands import Errands, firmware_version
from twin.fleet.files import Files
from twin.link.bounds import Bounds
from twin.model.asked import Signing
from twin.model.effects import Deliver, Fetch, MakeKey
from twin.model.inputs import Delivered, Fetched, KeyMade, TransferFailed
from twin.model.spec import TwinSpec
from twin.model.terms import LogKind, TransferProblem
from twin.station import Station
from twin.store.port import ClockMark, PutJournal

pytestmark = pytest.mark.asyncio(loop_factories=["real"])


class Client:
    """Be a twin that has something done."""

    def __init__(self):
        self.spec = TwinSpec(id="garage", identity="CP 1", serial_number="S1")
        self.station, _ = Station.start(self.spec, T0, ids=iter("abc").__next__)

    def show(self):
        return self.station.view(T0)

    def ask(self, action, payload):
        """Let the Central System ask for something, which must be granted."""
        self.station.link_up("ws://csms/CP1", T0)
        turn = self.station.receive(json.dumps([2, "x", action, payload]), T0)
        assert '"Accepted"' in turn.frames[0].text


class Bench:
    def __init__(self, root):
        self.store = MemoryStore()
        self.files = Files(root)
        self.flushed = 0
        clock = Clock(wall=lambda: T0)
        bounds = Bounds(total_s=10.0)
        self.errands = Errands(self.files, self.store, clock, bounds=bounds, flush=self.flush, hide=self.hide)
        self.client = Client()

    def flush(self):
        self.flushed += 1

    def hide(self, content):
        return json.loads(json.dumps(content).replace("s3cret", "***"))

    async def run(self, job):
        return await self.errands.run(self.client, job)

    async def note(self, at, **entry):
        done = asyncio.get_running_loop().create_future()
        changes = [PutJournal("garage", kind, at, 1, json.dumps(entry).encode()) for kind in LogKind]
        self.store.commit([*changes, ClockMark(at, at)], done.set_result)
        assert await done is None


@pytest.fixture
async def bench(tmp_path):
    bench = Bench(tmp_path / "files")
    yield bench
    await bench.errands.close()


class Shelf:
    """Give an image, and keep what is put there."""

    def __init__(self):
        self.got = []

    async def __call__(self, request):
        if request.method == "GET":
            return web.Response(body=b"image")
        self.got.append((request.path, await request.read()))
        return web.Response()


async def test_fw_02_an_image_lies_in_the_twins_folder(bench):
    async with http_server(Shelf()) as root:
        event = await bench.run(Fetch("1", f"{root}/fw-2.1.0.bin"))
    assert event == Fetched("1", "2.1.0", None)
    assert (bench.files.folder("garage") / "firmware" / "fw-2.1.0.bin").read_bytes() == b"image"


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "ftps"])
async def test_fw_07_an_errand_can_be_given_up_at_any_time(bench, scheme):
    connected = asyncio.Event()

    async def silent(reader, _writer):
        connected.set()
        await reader.read()

    async with raw_server(silent) as port:
        errand = asyncio.create_task(bench.run(Fetch("1", f"{scheme}://127.0.0.1:{port}/fw")))
        await connected.wait()
        errand.cancel()
        with pytest.raises(asyncio.CancelledError):
            await errand


async def test_fw_08_sec_17_a_root_that_was_installed_counts_for_files(bench):
    authority = trustme.CA()
    pem = authority.cert_pem.bytes().decode()
    async with http_server(Shelf(), certificate=authority.issue_cert("127.0.0.1")) as root:
        job = Fetch("1", f"{root}/fw-2.0.bin")
        assert isinstance(await bench.run(job), TransferFailed)
        bench.client.ask("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": pem})
        assert await bench.run(job) == Fetched("1", "2.0")


async def test_sec_34_a_signature_that_proves_nothing_is_told(bench):
    async with http_server(Shelf()) as root:
        event = await bench.run(Fetch("1", f"{root}/fw.bin", Signing("no certificate", "no signature")))
    assert event == Fetched("1", "fw", genuine=False)
    assert list((bench.files.folder("garage") / "firmware").iterdir()) == []


async def test_a_try_that_fails_is_told_with_its_reason(bench):
    event = await bench.run(Fetch("1", "sftp://user:s3cret@h/fw"))
    assert isinstance(event, TransferFailed)
    assert (event.job_id, event.problem) == ("1", TransferProblem.UNSUPPORTED)
    assert "s3cret" not in event.detail


async def test_a_disk_that_fails_is_told(bench, tmp_path):
    (tmp_path / "files").touch()
    for job in (Fetch("1", "http://h/fw"), MakeKey("1", "name", "firm")):
        event = await bench.run(job)
        assert isinstance(event, TransferFailed)
        assert event.problem is TransferProblem.FAILED
        assert "check store.files" in event.detail


async def test_a_mistake_of_ours_is_one_failed_try(bench):
    bench.client.show = lambda: 1 / 0
    event = await bench.run(Deliver("1", "http://h/", "log.zip", LogKind.DIAGNOSTICS))
    assert isinstance(event, TransferFailed)
    assert "a fault of this program" in event.detail


async def test_dg_02_dg_03_a_log_is_delivered_with_what_happened_in_the_window(bench):
    for at, event in ((T0, "too early"), (T0 + 10, "plugged"), (T0 + 20, "unplugged"), (T0 + 30, "too late")):
        await bench.note(at, event=event, data={"note": "s3cret"})
    shelf = Shelf()
    async with http_server(shelf) as root:
        job = Deliver("1", f"{root}/logs", "box.zip", LogKind.DIAGNOSTICS, oldest=T0 + 10, latest=T0 + 20)
        assert await bench.run(job) == Delivered("1")
    ((path, content),) = shelf.got
    assert path == "/logs/box.zip"
    assert bench.flushed == 1
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.namelist() == ["about.json", "log.jsonl", "state.json"]
        about = json.loads(archive.read("about.json"))
        assert (about["twin"], about["identity"], about["entries"]) == ("garage", "CP 1", 2)
        assert (about["from"], about["to"]) == ("2026-01-05T10:00:10.000+00:00", "2026-01-05T10:00:20.000+00:00")
        assert [json.loads(line) for line in archive.read("log.jsonl").splitlines()] == [
            {"at": "2026-01-05T10:00:10.000+00:00", "event": "plugged", "data": {"note": "***"}},
            {"at": "2026-01-05T10:00:20.000+00:00", "event": "unplugged", "data": {"note": "***"}},
        ]
        assert json.loads(archive.read("state.json"))["station"]["identity"] == "CP 1"
    assert list((bench.files.folder("garage") / "logs").iterdir()) == []


async def test_sec_25_a_security_log_holds_no_state(bench):
    shelf = Shelf()
    async with http_server(shelf) as root:
        assert await bench.run(Deliver("1", root, "box.zip", LogKind.SECURITY)) == Delivered("1")
    with zipfile.ZipFile(BytesIO(shelf.got[0][1])) as archive:
        assert archive.namelist() == ["about.json", "log.jsonl"]
        assert archive.read("log.jsonl") == b""


async def test_dg_04_no_secret_is_in_the_file(bench):
    bench.client.spec = TwinSpec(id="garage", identity="s3cret")
    shelf = Shelf()
    async with http_server(shelf) as root:
        await bench.run(Deliver("1", root, "box.zip", LogKind.DIAGNOSTICS))
    with zipfile.ZipFile(BytesIO(shelf.got[0][1])) as archive:
        assert [name for name in archive.namelist() if b"s3cret" in archive.read(name)] == []


async def test_what_a_crash_left_behind_goes_with_the_next_log(bench):
    left = bench.files.make("garage", "logs") / "old.zip"
    left.touch()
    async with http_server(Shelf()) as root:
        await bench.run(Deliver("1", root, "box.zip", LogKind.SECURITY))
    assert not left.exists()


async def test_a_log_that_cannot_be_read_is_a_failed_try(bench):
    bench.store.read_journal = lambda *given: given[-1](StoreError("the disk is gone"))
    event = await bench.run(Deliver("1", "http://h/", "box.zip", LogKind.SECURITY))
    assert event == TransferFailed("1", TransferProblem.FAILED, "the disk is gone")


async def test_sec_13_a_key_stays_in_the_twins_folder(bench):
    event = await bench.run(MakeKey("1", "S1", "firm"))
    assert isinstance(event, KeyMade)
    assert x509.load_pem_x509_csr(event.csr.encode()).is_signature_valid
    assert [path.name for path in bench.files.keys("garage").iterdir()] == [f"{event.key}.pem"]


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("fw-2.1.0.bin", "2.1.0"),
        ("firmware_v1.2.3-rc1.tar.gz", "1.2.3-rc1"),
        ("box2_3.0.4.bin", "3.0.4"),
        ("2.0.zip", "2.0"),
        ("image.bin", "image"),
        ("20261125.img", "20261125"),
        ("file", "file"),
        (".bin", ".bin"),
        ("x" * 80 + ".bin", "x" * 50),
    ],
)
async def test_fw_06_a_version_is_read_from_the_name_of_the_image(name, version):
    assert firmware_version(name) == version
