"""Firmware comes and logs go, between a real daemon and real servers of files."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import zipfile
from io import BytesIO

import pytest
import trustme
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fakes.file_servers import PASSWORD, ftp_server, http_server, reading
from fakes.record import PATIENCE_S
from fakes.witness import Witness

IMAGE = bytes(range(256)) * 8192
LONG_AGO = "2020-01-01T00:00:00Z"


class Shelf:
    """Give an image, and keep what is put there."""

    def __init__(self):
        self.kept = {}

    async def __call__(self, request):
        if request.method == "GET":
            return web.Response(body=IMAGE)
        self.kept[request.path] = await request.read()
        return web.Response(status=201)


class Quick:
    """Be a daemon whose time runs ten times as fast, and what belongs to it."""

    def __init__(self, tmp_path, csms, books):
        self.folder = tmp_path / "twins.files" / "garage"
        self.csms = csms
        self.books = books

    async def ready(self):
        return await self.books.until("StatusNotification", lambda told: told["connectorId"] == 1)

    async def call(self, action, **payload):
        return await self.csms.call("garage", action, payload)

    async def status(self, action, status, after=0):
        return await self.books.until(action, lambda told: told["status"] == status, after=after)

    def statuses(self, action):
        return [told["status"] for told in self.books.all(action)]


@pytest.fixture
def quick(tmp_path, csms, books):
    return Quick(tmp_path, csms, books)


@pytest.fixture
def fast(settings, mosquitto):
    twin = {"id": "garage", "firmware_version": "1.0", "reboot_time": "1s"}
    return settings(mosquitto.url, clock={"rate": 10}, twins=[twin])


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # it happens in another process
            await asyncio.sleep(0)


async def test_fw_02_fw_06_a_twin_fetches_installs_and_boots_new_firmware(fast, quick, make_daemon, mosquitto):
    await make_daemon(fast)
    async with Witness(mosquitto.port) as witness, http_server(Shelf()) as root:
        await quick.ready()
        assert await quick.call("UpdateFirmware", location=f"{root}/fw-2.1.0.bin", retrieveDate=LONG_AGO) == {}
        await quick.status("FirmwareStatusNotification", "Installed")
        await witness.until("garage/state", lambda state: state["firmware_version"] == "2.1.0")
    assert quick.statuses("FirmwareStatusNotification") == ["Downloading", "Downloaded", "Installing", "Installed"]
    boots = [told["firmwareVersion"] for told in quick.books.all("BootNotification")]
    assert boots == ["1.0", "2.1.0"]
    assert (quick.folder / "firmware" / "fw-2.1.0.bin").read_bytes() == IMAGE


async def test_fw_02_fw_03_a_file_that_is_not_there_is_tried_again_and_then_given_up(fast, quick, make_daemon):
    asked = []

    async def handler(request):
        asked.append(request.path)
        return web.Response(status=404)

    await make_daemon(fast)
    async with http_server(handler) as root:
        await quick.ready()
        location = f"{root}/fw.bin"
        await quick.call("UpdateFirmware", location=location, retrieveDate=LONG_AGO, retries=1, retryInterval=1)
        await quick.status("FirmwareStatusNotification", "DownloadFailed")
    assert asked == ["/fw.bin"] * 2
    assert quick.statuses("FirmwareStatusNotification")[-1] == "DownloadFailed"


async def test_fw_08_images_come_and_logs_go_by_every_protocol(fast, csms, books, make_daemon, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    (served := tmp_path / "served").mkdir()
    (served / "fw.bin").write_bytes(IMAGE)
    fast["csms"]["ca_file"] = str(tmp_path / "ca.pem")
    fast["twins"] = [{"id": name} for name in ("http", "https", "ftp", "ftps")]
    shelf = Shelf()
    await make_daemon(fast)
    async with http_server(shelf) as http, http_server(shelf, certificate=certificate) as https:
        with ftp_server(served) as ftp, ftp_server(served, certificate=tmp_path / "server.pem") as ftps:
            places = {"http": http, "https": https, "ftp": ftp.url(), "ftps": ftps.url(scheme="ftps")}
            for name, place in places.items():
                await books.until("StatusNotification", lambda told: told["connectorId"] == 1, identity=name)
                location = f"{place.rstrip('/')}/fw.bin"
                await csms.call(name, "UpdateFirmware", {"location": location, "retrieveDate": LONG_AGO})
                await csms.call(name, "GetDiagnostics", {"location": place})
            for name in places:
                for action, status in (("Firmware", "Downloaded"), ("Diagnostics", "Uploaded")):
                    wanted = lambda told, status=status: told["status"] == status  # noqa: E731
                    await books.until(f"{action}StatusNotification", wanted, identity=name)
    images = [path.read_bytes() for path in (tmp_path / "twins.files").glob("*/firmware/*")]
    assert images == [IMAGE] * 4
    assert len(shelf.kept) == len(list(served.glob("*.zip"))) == 2


async def test_fw_08_nothing_is_written_outside_of_the_twins_folder(fast, quick, make_daemon, tmp_path):
    await make_daemon(fast)
    async with http_server(Shelf()) as root:
        await quick.ready()
        before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(quick.folder.parent)}
        location = f"{root}/a/..%2F..%2F..%2F..%2Fevil"
        await quick.call("UpdateFirmware", location=location, retrieveDate=LONG_AGO)
        await quick.status("FirmwareStatusNotification", "Downloaded")
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(quick.folder.parent)} == before
    assert [path.name for path in (quick.folder / "firmware").iterdir()] == ["evil"]


@pytest.mark.parametrize(("image", "verdict"), [(IMAGE, "SignatureVerified"), (IMAGE[:-1], "InvalidSignature")])
async def test_sec_32_sec_33_sec_34_a_signed_image_is_installed_only_if_it_is_genuine(
    fast, quick, make_daemon, mosquitto, tmp_path, image, verdict
):
    manufacturer = trustme.CA()
    manufacturer.cert_pem.write_to_path(str(tmp_path / "manufacturer.pem"))
    signer = manufacturer.issue_cert(common_name="Firmware")
    key = load_pem_private_key(signer.private_key_pem.bytes(), None)
    signature = base64.b64encode(key.sign(image, ec.ECDSA(hashes.SHA256()))).decode()
    fast["twins"][0]["manufacturer_ca_file"] = str(tmp_path / "manufacturer.pem")
    await make_daemon(fast)
    async with http_server(Shelf()) as root:
        await quick.ready()
        firmware = {
            "location": f"{root}/fw-2.1.0.bin",
            "retrieveDateTime": LONG_AGO,
            "signingCertificate": signer.cert_chain_pems[0].bytes().decode(),
            "signature": signature,
        }
        assert await quick.call("SignedUpdateFirmware", requestId=5, firmware=firmware) == {"status": "Accepted"}
        await quick.status("SignedFirmwareStatusNotification", verdict)
        if verdict == "SignatureVerified":
            await quick.status("SignedFirmwareStatusNotification", "Installed")
        else:
            await quick.books.until(
                "SecurityEventNotification", lambda told: told["type"] == "InvalidFirmwareSignature"
            )
    assert {told["requestId"] for told in quick.books.all("SignedFirmwareStatusNotification")} == {5}
    assert ("Installed" in quick.statuses("SignedFirmwareStatusNotification")) == (verdict == "SignatureVerified")


async def test_sec_17_sec_34_an_rsa_pss_signature_counts_under_a_root_that_was_installed_and_outlives_kill_9(
    fast, quick, make_daemon
):
    manufacturer = trustme.CA()
    signer = manufacturer.issue_cert(common_name="Firmware", key_type=trustme.KeyType.RSA)
    key = load_pem_private_key(signer.private_key_pem.bytes(), None)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    daemon = await make_daemon(fast)
    async with http_server(Shelf()) as root:
        firmware = {
            "location": f"{root}/fw-2.1.0.bin",
            "retrieveDateTime": LONG_AGO,
            "signingCertificate": signer.cert_chain_pems[0].bytes().decode(),
            "signature": base64.b64encode(key.sign(IMAGE, pss, hashes.SHA256())).decode(),
        }
        await quick.ready()
        refused = await quick.call("SignedUpdateFirmware", requestId=4, firmware=firmware)
        assert refused == {"status": "InvalidCertificate"}
        await quick.books.until(
            "SecurityEventNotification", lambda told: told["type"] == "InvalidFirmwareSigningCertificate"
        )
        pem = manufacturer.cert_pem.bytes().decode()
        kind = "ManufacturerRootCertificate"
        assert await quick.call("InstallCertificate", certificateType=kind, certificate=pem) == {"status": "Accepted"}
        assert await quick.call("SignedUpdateFirmware", requestId=5, firmware=firmware) == {"status": "Accepted"}
        await quick.status("SignedFirmwareStatusNotification", "Downloading")
        await daemon.kill()
        await daemon.start()
        await quick.status("SignedFirmwareStatusNotification", "Installed")
    told = quick.books.all("SignedFirmwareStatusNotification")
    assert {each["requestId"] for each in told} == {5}
    steps = list(dict.fromkeys(each["status"] for each in told))  # what nobody confirmed in time comes again
    assert steps == ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]


async def test_fw_08_fw_09_a_download_goes_on_after_kill_9(fast, quick, make_daemon, tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "fw-2.1.0.bin").write_bytes(IMAGE)
    gate = threading.Event()

    def hold(file):
        if file.tell() >= len(IMAGE) // 2:
            gate.wait(PATIENCE_S)

    daemon = await make_daemon(fast)
    with ftp_server(tmp_path / "served", **reading(hold)) as server:
        await quick.ready()
        await quick.call("UpdateFirmware", location=server.url("fw-2.1.0.bin"), retrieveDate=LONG_AGO)
        firmware = quick.folder / "firmware"
        await until(lambda: firmware.exists() and any(path.stat().st_size for path in firmware.iterdir()))
        await daemon.kill()
        gate.set()
        await daemon.start()
        await quick.status("FirmwareStatusNotification", "Installed")
        assert [command for command in server.commands if command.startswith("REST")]
    assert [path.name for path in firmware.iterdir()] == ["fw-2.1.0.bin"]
    assert (firmware / "fw-2.1.0.bin").read_bytes() == IMAGE
    assert quick.statuses("FirmwareStatusNotification").count("Installed") == 1


async def test_dg_01_dg_02_dg_03_a_twin_uploads_what_happened(fast, quick, make_daemon, mosquitto):
    shelf = Shelf()
    daemon = await make_daemon(fast)
    async with Witness(mosquitto.port) as witness, http_server(shelf) as root:
        await quick.ready()
        await witness.ok("garage/1/set/plugged", "ON")
        await daemon.kill()
        await daemon.start()
        await witness.until("garage/state", lambda state: state["connected"], after=witness.mark())
        answer = await quick.call("GetDiagnostics", location=f"{root}/logs")
        await quick.status("DiagnosticsStatusNotification", "Uploaded")
        events = witness.payloads("garage/event")
    assert quick.statuses("DiagnosticsStatusNotification") == ["Uploading", "Uploaded"]
    ((path, content),) = shelf.kept.items()
    assert path == f"/logs/{answer['fileName']}"
    with zipfile.ZipFile(BytesIO(content)) as archive:
        log = [json.loads(line) for line in archive.read("log.jsonl").splitlines()]
        assert json.loads(archive.read("about.json"))["identity"] == "garage"
        assert json.loads(archive.read("state.json"))["evses"][0]["plugged"] is True
    assert [entry["at"] for entry in log] == sorted(entry["at"] for entry in log)
    kinds = [entry["event"] for entry in log]
    assert kinds.index("connected") < kinds.index("booted") < kinds.index("plugged")
    assert kinds.count("connected") == 2
    assert set(kinds) >= {event["type"] for event in events if event["type"] != "diagnostics_status"}


async def test_dg_02_dg_04_a_log_goes_by_ftp_and_the_password_nowhere(fast, quick, make_daemon, mosquitto, tmp_path):
    (tmp_path / "served").mkdir()
    daemon = await make_daemon(fast)
    async with Witness(mosquitto.port) as witness:
        with ftp_server(tmp_path / "served") as server:
            await quick.ready()
            wrong = server.url(login="box:wr0ng@")
            await quick.call("GetDiagnostics", location=wrong, retries=0)
            await quick.status("DiagnosticsStatusNotification", "UploadFailed")
            answer = await quick.call("GetDiagnostics", location=server.url())
            await quick.status("DiagnosticsStatusNotification", "Uploaded")
        said = json.dumps([[said.topic, said.payload] for said in witness.said])
    await daemon.stop()
    with zipfile.ZipFile(tmp_path / "served" / answer["fileName"]) as archive:
        written = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for text in (written, said, json.dumps(list(daemon.log))):
        assert "wr0ng" not in text
        assert PASSWORD not in text


async def test_dg_01_where_no_log_is_kept_there_is_none_to_be_had(fast, quick, make_daemon):
    fast["store"]["journal_limit"] = 0
    await make_daemon(fast)
    await quick.ready()
    assert await quick.call("GetDiagnostics", location="http://127.0.0.1:9/") == {}
    assert quick.statuses("DiagnosticsStatusNotification") == []


async def test_sec_25_sec_26_a_security_log_is_uploaded_with_its_request_id(fast, quick, make_daemon, mosquitto):
    shelf = Shelf()
    await make_daemon(fast)
    async with Witness(mosquitto.port) as witness, http_server(shelf) as root:
        await quick.ready()
        await witness.ok("garage/set/door_open", "ON")
        answer = await quick.call("GetLog", logType="SecurityLog", requestId=7, log={"remoteLocation": f"{root}/logs"})
        told = await quick.status("LogStatusNotification", "Uploaded")
    assert (answer["status"], told["requestId"]) == ("Accepted", 7)
    with zipfile.ZipFile(BytesIO(shelf.kept[f"/logs/{answer['filename']}"])) as archive:
        log = [json.loads(line) for line in archive.read("log.jsonl").splitlines()]
    assert {entry["event"] for entry in log} == {"security_event"}
    assert "TamperDetectionActivated" in [entry["data"]["security_type"] for entry in log]
