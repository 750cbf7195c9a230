"""A process that updates an object; in its own module, so that it starts fast."""

from __future__ import annotations

from multiprocessing.synchronize import Barrier
from pathlib import Path

from tag_compliance.storage.folder import FolderStorage

WIDTH = 9


def count_up(root: Path, times: int, start: Barrier) -> None:
    """Adds 1 so many times. All numbers have the same length, so that file sizes are equal."""
    storage = FolderStorage(root)
    start.wait()
    for _ in range(times):
        storage.update("n", lambda data: f"{int(data or 0) + 1:0{WIDTH}}".encode())
