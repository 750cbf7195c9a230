"""Processes that write to one folder at once; their own module, so that they start fast."""

from __future__ import annotations

from multiprocessing.synchronize import Barrier
from pathlib import Path

from tag_compliance.storage.folder import FolderStorage

WIDTH = 9


def count_up(root: Path, times: int, start: Barrier) -> None:
    """Adds one so many times; each number as long as the next, so that sizes tell nothing."""
    storage = FolderStorage(root)
    start.wait()
    for _ in range(times):
        storage.update("n", lambda data: f"{int(data or 0) + 1:0{WIDTH}}".encode())
