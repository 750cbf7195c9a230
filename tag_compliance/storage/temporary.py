"""Folders in the temporary folder of the system. They do not outlive their process for long."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

Purpose = Literal["dagster", "database", "demo", "findings", "rows"]

_NAME = re.compile(rf"tag-compliance-({'|'.join(get_args(Purpose))})-[a-z0-9_]{{8}}")
"""The names that `tempfile.mkdtemp` gives these folders; no other folder is ever deleted."""

LOCK = ".lock"
"""A file in the folder. Its lock ends with the process, however the process ends."""


class TemporaryFolder:
    """A folder until `close`, which only this user can read. Raises `OSError`.

    A process that was killed leaves its folder behind. The next one that needs a folder deletes it.
    """

    def __init__(self, purpose: Purpose) -> None:
        sweep()
        self.path = Path(tempfile.mkdtemp(prefix=f"tag-compliance-{purpose}-"))
        unlocked = self.path / f"{LOCK}.new"
        self._lock = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unlocked.rename(self.path / LOCK)  # `sweep` never finds it without its lock

    def close(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def sweep() -> None:
    """Deletes the folders of this user's processes that were killed."""
    for folder in Path(tempfile.gettempdir()).iterdir():
        if _NAME.fullmatch(folder.name):
            with contextlib.suppress(OSError):  # of another user, or swept by another process
                _delete_unlocked(folder)


def _delete_unlocked(folder: Path) -> None:
    """Raises `OSError` if the folder is in use."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(opened).st_uid != os.geteuid():
            return
        lock = os.open(LOCK, os.O_RDWR | os.O_NOFOLLOW, dir_fd=opened)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(lock)
    finally:
        os.close(opened)
