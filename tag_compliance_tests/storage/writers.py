"""Writers in processes of their own; in their own module, so that they start fast."""

from __future__ import annotations

import os
import resource
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tag_compliance.errors import StorageRefused
from tag_compliance.storage.folder import FolderStorage

WIDTH = 9


def count_up(root: Path, times: int, start: Barrier) -> None:
    """Adds 1 so many times. All numbers have the same length, so that file sizes are equal."""
    storage = FolderStorage(root)
    start.wait()
    for _ in range(times):
        storage.update("n", lambda data: f"{int(data or 0) + 1:0{WIDTH}}".encode())


def write_and_wait(root: Path, name: str, written: Connection) -> None:
    """Sends a message when the bytes are in the file, and then waits to be killed."""

    def wait(_: int) -> None:
        written.send(None)
        written.recv()

    os.fsync = wait  # type: ignore[assignment]
    FolderStorage(root).write(name, b"new")


def write_too_much(root: Path, name: str, refused: Connection) -> None:
    """Writes more than a file may contain, and sends the error."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        FolderStorage(root).write(name, b"x" * 100_001)
    except StorageRefused as error:
        refused.send(str(error))
