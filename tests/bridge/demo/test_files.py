from __future__ import annotations

import io

import aiohttp
import pytest

from bridge.demo.files import IMAGE_BYTES, MAX_UPLOAD, Files
from bridge.demo.ports import free_port


@pytest.fixture
async def files(tmp_path):
    told = []
    async with Files(free_port(19280), tmp_path / "logs", lambda *upload: told.append(upload)) as served:
        yield served, tmp_path / "logs", told


async def answer(method, url, data=None):
    async with aiohttp.ClientSession() as session, session.request(method, url, data=data) as response:
        return response.status, await response.read()


async def test_an_image_of_any_version_can_be_fetched(files):
    served, _, _ = files
    status, body = await answer("GET", f"{served.url}/firmware/fw-2.0.0.bin")
    assert (status, len(body)) == (200, IMAGE_BYTES)
    assert b"fw-2.0.0.bin" in body
    assert (await answer("GET", f"{served.url}/firmware/readme.txt"))[0] == 404


async def test_an_upload_is_kept_told_and_can_be_read(files):
    served, folder, told = files
    url = f"{served.url}/logs/garage-1.log.gz"
    assert (await answer("GET", url))[0] == 404
    assert (await answer("PUT", url, b"lines"))[0] == 201
    assert (folder / "garage-1.log.gz").read_bytes() == b"lines"
    assert told == [("garage-1.log.gz", 5)]
    assert await answer("GET", url) == (200, b"lines")


@pytest.mark.parametrize("name", ["..%2Fdemo.db", ".hidden", "a%2Fb", "x" * 300, "a%00b"])
async def test_nothing_is_written_elsewhere(files, name):
    served, folder, told = files
    assert (await answer("PUT", f"{served.url}/logs/{name}", b"x"))[0] in (400, 404)
    assert list(folder.iterdir()) == told == []


async def test_what_is_too_large_is_refused(files):
    served, folder, _ = files
    assert (await answer("PUT", f"{served.url}/logs/a", io.BytesIO(b"x" * (MAX_UPLOAD + 1))))[0] == 413
    assert list(folder.iterdir()) == []


async def test_a_port_that_is_taken_is_told(files, tmp_path):
    served, _, _ = files
    port = int(served.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await Files(port, tmp_path).__aenter__()
