"""Where the files of twins lie: each has a folder of its own, and nothing is ever written outside of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import structlog

_MODE = 0o700

_log = structlog.get_logger("twin")


class Files:
    """Know the folders of a fleet's twins, which all lie in `root`. What is made here is for its owner alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, twin_id: str) -> Path:
        """Return the folder of one twin; there may be nothing there yet."""
        if twin_id in ("", ".", "..") or "/" in twin_id or "\x00" in twin_id:
            raise ValueError(f"{twin_id!r} is no name of a folder")
        return self._root / twin_id

    def keys(self, twin_id: str) -> Path:
        """Return where a twin's private keys lie."""
        return self.folder(twin_id) / "keys"

    def make(self, twin_id: str, name: str) -> Path:
        """Return a folder within that of a twin, made if it was not there. Raises OSError."""
        folder = self.folder(twin_id)
        for path in (self._root, folder, folder / name):
            path.mkdir(mode=_MODE, parents=path is self._root, exist_ok=True)
        return folder / name

    def forget(self, twin_id: str) -> None:
        """Remove all files of a twin, which are few."""
        folder = self.folder(twin_id)
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            _log.warning("files_not_removed", twin=twin_id, folder=str(folder), reason=str(error))
