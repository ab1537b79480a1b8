"""One try to fetch a file into a folder of ours, or to upload one, over HTTP, HTTPS, FTP or FTPS (OCPP 1.6 §8).

Decides the way by the URL, keeps all bounds, and says in one sentence what went wrong. When to try again, and what
the file is for, is somebody else's business.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from pathlib import Path
from socket import gaierror

import aioftp
import aiohttp

from twin.errors import TransferError
from twin.link import over_ftp, over_http
from twin.link.bounds import Bounds
from twin.link.partial import Partial
from twin.link.place import Place, place
from twin.model.terms import TransferProblem


async def fetch(url: str, folder: Path, bounds: Bounds, roots: tuple[str, ...] = ()) -> Path:
    """Fetch a file into `folder`, where it replaces all else, and return its path. Raises TransferError.

    It is there whole, or not at all. `roots` (PEM) are trusted besides those of the machine.
    """
    source = place(url)
    part = Partial(folder, bounds.max_size)
    way = over_ftp if source.scheme in ("ftp", "ftps") else over_http
    async with _bounded(source, bounds):
        try:
            context = _context(roots)
            await way.fetch(source, part, connect_s=bounds.connect_s, idle_s=bounds.idle_s, context=context)
            return await part.land(source.file_name)
        finally:
            await part.close()


async def upload(path: Path, name: str, url: str, bounds: Bounds, roots: tuple[str, ...] = ()) -> None:
    """Upload a file under `name` to the folder that `url` names. Raises TransferError."""
    folder = place(url)
    way = over_ftp if folder.scheme in ("ftp", "ftps") else over_http
    async with _bounded(folder, bounds):
        context = _context(roots)
        await way.upload(path, name, folder, connect_s=bounds.connect_s, idle_s=bounds.idle_s, context=context)


@asynccontextmanager
async def _bounded(where: Place, bounds: Bounds) -> AsyncIterator[None]:
    with _explained(where):
        async with asyncio.timeout(bounds.total_s):
            yield


@contextmanager
def _explained(where: Place) -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        raise _failed(_network(error.certificate_error, where)) from None
    except aiohttp.ClientOSError as error:
        raise _failed(_network(error, where)) from None
    except TimeoutError:
        raise _failed(
            f"{where.origin} takes too long: check the network and firewalls (or transfers.timeout)"
        ) from None
    except OSError as error:
        raise _failed(_network(error, where)) from None
    # Servers that break the protocol; what they say may repeat the password.
    except (aiohttp.ClientError, aioftp.AIOFTPException, ValueError, IndexError) as error:
        raise _failed(
            f"{where.origin} does not behave like a server of {where.scheme} ({type(error).__name__})"
        ) from None


def _network(error: Exception, where: Place) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate of {where.origin} is not trusted ({error.verify_message}): set csms.ca_file"
        case ssl.SSLError():
            return f"no TLS with {where.origin}: check the port, and that it speaks TLS 1.2 or newer"
        case aiohttp.ClientConnectorDNSError() | gaierror():
            return f"the host of {where.origin} has no address: check the URL and the DNS"
        case aiohttp.ClientConnectorError():
            return _network(error.os_error, where)
        case OSError() if error.strerror:
            return f"{where.origin} cannot be reached ({error.strerror.lower()}): check the URL and the network"
        case _:
            return f"{where.origin} broke the connection"


def _failed(detail: str) -> TransferError:
    return TransferError(TransferProblem.FAILED, detail)


@lru_cache(maxsize=32)
def _context(roots: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if roots:
        context.load_verify_locations(cadata="\n".join(roots))
    return context
