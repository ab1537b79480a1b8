"""A file on its way in: written beside its place, moved there when it is whole, found again after a crash.

Decides when the old file goes and when a beginning is worth keeping; must not know where the bytes come from.
Disk access happens in threads, because a slow disk must not hold up the twins.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from twin.errors import TransferError
from twin.model.terms import TransferProblem

_SUFFIX = ".part"
_BLOCK = 256 * 1024

_Result = TypeVar("_Result")


class Partial:
    """Gather a file in `folder`, which holds one file and belongs to us alone; `max_size` is in bytes.

    `begin` comes first.
    """

    _file: BinaryIO

    def __init__(self, folder: Path, max_size: int) -> None:
        self._folder = folder
        self._max_size = max_size
        self._path = folder
        self._open = False
        self._size = 0
        self._block = bytearray()

    async def begin(self, mark: str, *, resume: bool) -> int:
        """Begin, and return how many bytes are here already.

        `mark` tells which file it is, its version included: only what was written under the same one is kept.
        """
        await self.close()
        # The dot keeps it apart from whole files, whose names never begin with one.
        self._path = self._folder / f".{sha256(mark.encode()).hexdigest()[:32]}{_SUFFIX}"
        self._file, self._size = await _on_disk(_open, self._path, resume)
        self._open = True
        self.check(self._size)
        return self._size

    def check(self, size: int) -> None:
        """Raise TransferError if so many bytes are too many."""
        if size > self._max_size:
            raise TransferError(
                TransferProblem.TOO_LARGE, f"the file has more than {self._max_size} bytes (transfers.max_size)"
            )

    async def write(self, data: bytes) -> None:
        """Append bytes, or raise TransferError."""
        self._size += len(data)
        self.check(self._size)
        self._block += data
        if len(self._block) >= _BLOCK:
            await self._flush()

    async def land(self, name: str) -> Path:
        """Put the file in its place, on disk before that, and remove all else from the folder."""
        await self._flush()
        return await _on_disk(_land, self._file, self._path, self._folder / name)

    async def close(self) -> None:
        """Keep what is here for another try; a second call does nothing."""
        if self._open:
            self._open = False
            block, self._block = self._block, bytearray()
            await _on_disk(_close, self._file, block)

    async def _flush(self) -> None:
        block, self._block = self._block, bytearray()
        await _on_disk(self._file.write, block)


async def _on_disk(what: Callable[..., _Result], *values: Any) -> _Result:
    work = asyncio.ensure_future(asyncio.to_thread(what, *values))
    try:
        return await asyncio.shield(work)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise TransferError(TransferProblem.FAILED, f"the file cannot be stored ({why}): check store.files") from error
    finally:
        # A thread cannot be stopped: whoever gives up must not leave one behind that still writes.
        await asyncio.wait({work})


def _open(path: Path, resume: bool) -> tuple[BinaryIO, int]:
    for other in path.parent.glob(f".*{_SUFFIX}"):
        if other != path or not resume:
            other.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    file = os.fdopen(descriptor, "ab")
    return file, os.fstat(descriptor).st_size


def _close(file: BinaryIO, rest: bytearray) -> None:
    with file:
        file.write(rest)


def _land(file: BinaryIO, path: Path, place: Path) -> Path:
    file.flush()
    os.fsync(file.fileno())
    path.replace(place)
    for other in place.parent.iterdir():
        if other != place:
            other.unlink()
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return place
