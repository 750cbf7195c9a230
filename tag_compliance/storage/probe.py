"""Tests whether a storage can be used as a scan uses it."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from tag_compliance.config.model import is_bucket
from tag_compliance.storage.base import Storage
from tag_compliance.storage.folder import MARKER


def probe(storage: Storage) -> None:
    """Creates, replaces, reads, lists and deletes a small object; raises `StorageRefused`."""
    name = f"tables/doctor-{secrets.token_hex(8)}"
    folder, in_bucket = Path(storage.uri), is_bucket(storage.uri)
    missing = [] if in_bucket else [f for f in (folder, *folder.parents) if _absent(f)]
    is_unmarked = not in_bucket and _absent(folder / MARKER)
    try:
        storage.write(name, b"1")
        storage.update(name, lambda data: data and data + b"2")
        storage.read(name)
        storage.names("tables/")
        storage.delete(name)
    finally:
        # A folder that this process created could belong to another user than the scan's.
        if is_unmarked:
            with contextlib.suppress(OSError):
                (folder / MARKER).unlink(missing_ok=True)
        for created in missing:
            with contextlib.suppress(OSError):
                created.rmdir()


def _absent(folder: Path) -> bool:
    try:
        return not folder.exists()
    except OSError:
        return False
