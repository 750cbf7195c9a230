"""A folder for copies of files from a bucket. It does not outlive its process for long."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "tag-compliance-findings-"


class LocalCopies:
    """The folder exists from the first use until `close`; only this user can read it.

    A lock on the folder ends with the process, which is how the folder of a killed process is
    recognized: `sweep` deletes it.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock = -1

    def path(self, name: str) -> Path:
        """Where the copy of this name is or can be written. Raises `OSError`."""
        while self._folder is None:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock).st_nlink:  # otherwise another process has swept it before the lock
                self._folder, self._lock = folder, lock
            else:
                os.close(lock)
        return self._folder / name

    def keep(self, names: set[str]) -> None:
        """Deletes all other copies. A query that reads one of them can finish."""
        if self._folder is not None:
            for file in self._folder.iterdir():
                if file.name not in names:
                    file.unlink(missing_ok=True)

    def close(self) -> None:
        """Deletes the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)
            self._folder = None


def sweep() -> None:
    """Deletes the folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # of another user, or swept by another process
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
            finally:
                os.close(lock)
