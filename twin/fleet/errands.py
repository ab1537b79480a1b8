"""What a twin has done outside: a file fetched, a log delivered, a key made; each tried once.

Decides what stands in for what on the disk of this machine, and turns whatever goes wrong into an event.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias, assert_never

from twin.crypto.keys import make_key
from twin.crypto.signing import is_genuine
from twin.errors import StoreError, TransferError
from twin.fleet import logfile
from twin.fleet.clock import Clock
from twin.fleet.faults import Fault, contained
from twin.fleet.files import Files
from twin.link.aside import Aside
from twin.link.bounds import Bounds
from twin.model.effects import Deliver, Fetch, MakeKey
from twin.model.inputs import Delivered, Fetched, JobEvent, KeyMade, TransferFailed
from twin.model.spec import TwinSpec
from twin.model.terms import TransferProblem
from twin.model.view import TwinView
from twin.station import Station
from twin.store.port import Entries, Store

MAX_VERSION = 50
"""OCPP 1.6 §6.1: the length of `firmwareVersion`."""

_NUMBER = re.compile(r"\d+(?:\.\d+)+(?:[-+][0-9A-Za-z]+)*")
_PACKING = re.compile(r"(?:\.(?:bin|img|zip|gz|tgz|tar|xz|bz2|zst|hex|fw|swu|deb|upd))+$", re.IGNORECASE)

Errand: TypeAlias = Fetch | Deliver | MakeKey


class Client(Protocol):
    """Be the one for whom something is done."""

    spec: TwinSpec
    station: Station

    def show(self) -> TwinView:
        """Show the twin as it is now."""
        ...

    def finished(self, event: JobEvent) -> None:
        """Learn what became of an errand that was not given up."""
        ...


class Errands:
    """Do errands. `flush` hands the open batch to the store, `hide` hides the secrets in something JSON-like."""

    def __init__(
        self,
        files: Files,
        store: Store,
        clock: Clock,
        *,
        bounds: Bounds,
        flush: Callable[[], None],
        hide: logfile.Hide,
    ) -> None:
        self._files = files
        self._store = store
        self._clock = clock
        self._bounds = bounds
        self._flush = flush
        self._hide = hide
        self._aside = Aside("files")

    async def close(self) -> None:
        """End the thread in which files move."""
        await self._aside.close()

    async def run(self, client: Client, job: Errand) -> JobEvent:
        """Do one errand and return what became of it; never raises, but can be cancelled."""
        try:
            with contained(client.spec.id):
                return await self._try(client, job)
        except Fault as fault:
            return TransferFailed(job.job_id, TransferProblem.FAILED, str(fault))

    async def _try(self, client: Client, job: Errand) -> JobEvent:
        try:
            match job:
                case Fetch():
                    return await self._fetch(client, job)
                case Deliver():
                    return await self._deliver(client, job)
                case MakeKey(job_id, common_name, organization, keep):
                    folder = await asyncio.to_thread(self._files.make, client.spec.id, "keys")
                    csr, key = await asyncio.to_thread(make_key, folder, common_name, organization, keep)
                    return KeyMade(job_id, csr, key)
                case _:
                    assert_never(job)
        except TransferError as error:
            return TransferFailed(job.job_id, TransferProblem(error.problem), error.detail)
        except OSError as error:
            why = f"the disk of the charge point failed ({(error.strerror or str(error)).lower()}): check store.files"
            return TransferFailed(job.job_id, TransferProblem.FAILED, why)

    async def _fetch(self, client: Client, job: Fetch) -> Fetched:
        folder = await asyncio.to_thread(self._files.make, client.spec.id, "firmware")
        fetch = partial(_fetch, job.url, folder, self._bounds, _roots(client))
        path = await self._aside.run(fetch)
        genuine = None
        if job.signing is not None:
            genuine = await asyncio.to_thread(is_genuine, path, job.signing.signature, job.signing.certificate)
            if not genuine:
                path.unlink()
        return Fetched(job.job_id, firmware_version(path.name), genuine)

    async def _deliver(self, client: Client, job: Deliver) -> Delivered:
        entries = await self._read(client.spec.id, job)
        folder = await asyncio.to_thread(self._files.make, client.spec.id, "logs")
        for left_by_a_crash in folder.iterdir():
            left_by_a_crash.unlink()
        path = folder / f"{job.job_id}.zip"
        view, now = client.show(), self._clock.now()
        try:
            await asyncio.to_thread(logfile.write, path, job, client.spec, view, entries, now, self._hide)
            upload = partial(_upload, path, job.file_name, job.url, self._bounds, _roots(client))
            await self._aside.run(upload)
        finally:
            path.unlink(missing_ok=True)
        return Delivered(job.job_id)

    async def _read(self, twin_id: str, job: Deliver) -> Entries:
        answer: asyncio.Future[Entries | StoreError] = asyncio.get_running_loop().create_future()

        def done(entries: Entries | StoreError) -> None:
            if not answer.done():
                answer.set_result(entries)

        self._flush()  # what happened up to now belongs to the log
        self._store.read_journal(twin_id, job.kind, job.oldest, job.latest, done)
        entries = await answer
        if isinstance(entries, StoreError):
            raise TransferError(TransferProblem.FAILED, str(entries))
        return entries


# Imported late: the clients take 9 MiB and a tenth of a second, and many a process never moves a file.


async def _fetch(url: str, folder: Path, bounds: Bounds, roots: tuple[str, ...]) -> Path:
    from twin.link.transfer import fetch  # noqa: PLC0415

    return await fetch(url, folder, bounds, roots)


async def _upload(path: Path, name: str, url: str, bounds: Bounds, roots: tuple[str, ...]) -> None:
    from twin.link.transfer import upload  # noqa: PLC0415

    await upload(path, name, url, bounds, roots)


def _roots(client: Client) -> tuple[str, ...]:
    """Return whom a twin trusts: what the Central System installed and deleted counts for files as well."""
    known = client.station.access.roots
    return client.spec.csms.roots if known is None else known


def firmware_version(name: str) -> str:
    """Read a version from the name of an image: fw-2.1.0.bin is 2.1.0; a name without a number is one itself."""
    stem = _PACKING.sub("", name) or name
    numbers = _NUMBER.findall(stem)
    return (numbers[-1] if numbers else stem)[:MAX_VERSION]
