"""A folder as storage: writes are atomic by rename and durable by fsync; flock excludes others.

The folder must be empty before the first write, which marks it as this program's. A person can
still put files into it later: only unfinished files of `OWN_NAMES` are swept.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tag_compliance.errors import StorageRefused
from tag_compliance.storage.atomic import (
    UNFINISHED,
    copy_file,
    opened,
    publish,
    reported,
    write_file,
    written,
)
from tag_compliance.storage.base import OWN_FOLDERS, OWN_NAMES, Stored

MARKER = "tag-compliance.txt"
"""The file that marks a folder as this program's."""

FOREIGN_RULE = "must be a folder that is new, empty, or already the storage of this program"

_MARK = b"This folder is the storage of tag-compliance, which deletes its old files here.\n"
_ALLOWED = frozenset({"lost+found", "running", "dagster"}) | frozenset(
    {"dagster.yaml", "workspace.yaml", "up.lock", "history", "schedules", "storage", "logs"}
)
"""In a new file system; of a killed first scan of an older version; of Dagster, whose home may be
this folder or one in it.
"""


class FolderStorage:
    """Objects are files in `root`, which is created by the first write.

    Blind spot: flock and rename are reliable on local file systems and on NFS 4. On others (some
    FUSE mounts) two writers do not exclude each other.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def uri(self) -> str:
        return str(self._root)

    def read(self, name: str, known: Stored | None = None) -> Stored | None:
        path = self._root / name
        with reported(path, "read"):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                return None
            except NotADirectoryError:
                if self._root.exists() and not self._root.is_dir():
                    raise
                return None
            with file:
                status = os.fstat(file.fileno())
                version = f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}"
                if known is not None and known.version == version:
                    return known
                return Stored(file.read(), version)

    def write(self, name: str, data: bytes) -> None:
        self._mark()
        write_file(self._root / name, data)

    def write_file(self, name: str, source: Path) -> None:
        self._mark()
        copy_file(source, self._root / name)

    def local_file(self, name: str, copy: Callable[[], Path]) -> Path | None:  # noqa: ARG002 - S3's
        path = self._root / name
        with reported(path, "read"):
            return path if path.is_file() else None

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        path = self._root / name
        while True:
            before = self.read(name)
            data = decide(before.data if before else None)
            if data is None:
                return False
            self._mark()
            with (
                reported(path, "write"),
                written(path, data) as unfinished,
                opened(path.parent) as folder,
            ):
                fcntl.flock(folder, fcntl.LOCK_EX)
                # Compares contents: an inode reused within one clock tick looks unchanged.
                now = self.read(name)
                if (now and now.data) == (before and before.data):
                    publish(unfinished, path)
                    return True

    def names(self, prefix: str, unchanged_seconds: float = 0.0) -> list[str]:
        with reported(self._root / prefix, "list"):
            found = {
                path.relative_to(self._root).as_posix()
                for path in _files_below(self._root / prefix)
                if not UNFINISHED.fullmatch(path.name) and _is_unchanged(path, unchanged_seconds)
            }
        return sorted(found - {MARKER})

    def delete(self, name: str) -> None:
        path = self._root / name
        with reported(path, "delete"):
            path.unlink(missing_ok=True)
        self._delete_if_empty(path.parent)

    def sweep(self) -> int:
        """A writer locks its unfinished file; the lock ends when the writer dies."""
        if self.foreign_names():
            return 0
        swept = 0
        with reported(self._root, "list"):
            unfinished = [path for path in self._own_files() if self._is_own_unfinished(path)]
        for path in unfinished:
            with contextlib.suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                swept += 1
            self._delete_if_empty(path.parent)
        return swept

    def foreign_names(self) -> list[str]:
        """What is in a folder that is not this program's, sorted; nothing if it may be written.

        An older version did not mark its storage, which is recognized by its objects.
        """
        root = self._root
        with contextlib.suppress(OSError):  # which is reported when something is written
            names = {entry.name for entry in os.scandir(root)} - _ALLOWED
            # After the names: another process may be writing the first objects at the same time.
            if (root / MARKER).is_file() or (root / "tables" / "scan_config.json").is_file():
                return []
            if (root / "current.json").is_file() and (root / "snapshots").is_dir():
                return []
            return sorted(n for n in names if not self._is_own_unfinished(root / n))
        return []

    def _mark(self) -> None:
        marker = self._root / MARKER
        with reported(marker, "write"):
            if marker.is_file():
                return
        if foreign := self.foreign_names():
            cause = f"it contains {foreign[0]}, which is not of this program"
            raise StorageRefused(self.uri, "write", cause, f"`storage` {FOREIGN_RULE}")
        write_file(marker, _MARK)

    def _own_files(self) -> Iterator[Path]:
        for folder in OWN_FOLDERS:
            yield from _files_below(self._root / folder)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            yield from (Path(e.path) for e in os.scandir(self._root) if e.is_file())

    def _is_own_unfinished(self, path: Path) -> bool:
        unfinished = UNFINISHED.fullmatch(path.name)
        if unfinished is None:
            return False
        name = path.with_name(unfinished[1]).relative_to(self._root).as_posix()
        return name == MARKER or OWN_NAMES.fullmatch(name) is not None

    def _delete_if_empty(self, folder: Path) -> None:
        """A writer that needs the folder creates it again."""
        if folder != self._root:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _files_below(folder: Path) -> Iterator[Path]:
    def check(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise error

    for base, _, names in os.walk(folder, onerror=check):
        yield from (Path(base, name) for name in names)


def _is_unchanged(path: Path, seconds: float) -> bool:
    if not seconds:
        return True
    with contextlib.suppress(FileNotFoundError):
        return time.time() - path.lstat().st_mtime >= seconds
    return False
