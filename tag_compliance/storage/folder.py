"""A folder as storage: writes are atomic by rename and durable by fsync; flock excludes others."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from tag_compliance.errors import StorageRefused
from tag_compliance.storage.base import Stored

DAGSTER_FOLDER = "dagster"
"""The subfolder of a storage folder in which `up` keeps Dagster's own files."""

_UNFINISHED = ".unfinished"
_MAX_ATTEMPTS = 1_000
"""To create a file in a folder that other processes delete when it is empty."""

_ADVICE = {
    errno.ENOSPC: "free some space, or set `storage` to another place",
    errno.EDQUOT: "raise the quota, or set `storage` to another place",
    errno.EROFS: "mount it writable, or set `storage` to another place",
    errno.ENOENT: "create the folder, or mount what a link leads to",
    errno.EACCES: "give this user access to it, or set `storage` to another place",
    errno.EEXIST: "a file is where a folder must be, or a link leads to a missing folder; "
    "set `storage` to another place",
    errno.ENOTDIR: "a file is where a folder must be; set `storage` to another place",
    errno.EPERM: "give this user access to it, or set `storage` to another place",
}


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
        try:
            with path.open("rb") as file:
                version = _version(os.fstat(file.fileno()))
                if known is not None and known.version == version:
                    return known
                return Stored(file.read(), version)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _refused(path, "read", error) from error

    def write(self, name: str, data: bytes) -> None:
        path = self._root / name
        try:
            with self._written(path, data) as unfinished:
                _publish(unfinished, path)
        except OSError as error:
            raise _refused(path, "write", error) from error

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        path = self._root / name
        while True:
            before = self.read(name)
            data = decide(before.data if before else None)
            if data is None:
                return False
            try:
                with self._written(path, data) as unfinished, _locked(path.parent):
                    # Compares contents: an inode reused within one clock tick looks unchanged.
                    now = self.read(name)
                    if (now and now.data) == (before and before.data):
                        _publish(unfinished, path)
                        return True
            except OSError as error:
                raise _refused(path, "write", error) from error

    def names(self, prefix: str) -> list[str]:
        try:
            found = [
                path.relative_to(self._root).as_posix()
                for path in _files_below(self._root / prefix)
                if not path.name.endswith(_UNFINISHED)
            ]
        except OSError as error:
            raise _refused(self._root / prefix, "list", error) from error
        return sorted(found)

    def delete(self, name: str) -> None:
        path = self._root / name
        try:
            path.unlink(missing_ok=True)
            if path.parent != self._root:
                with contextlib.suppress(OSError):
                    path.parent.rmdir()
        except OSError as error:
            raise _refused(path, "delete", error) from error

    def sweep(self) -> int:
        """A writer locks its unfinished file; the lock ends when the writer dies."""
        swept = 0
        try:
            unfinished = [p for p in _files_below(self._root) if p.name.endswith(_UNFINISHED)]
        except OSError as error:
            raise _refused(self._root, "list", error) from error
        for path in unfinished:
            with contextlib.suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                swept += 1
        for folder in self._own_folders():
            # A writer that needs one of these empty folders creates it again.
            for base, _, _ in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    Path(base).rmdir()
        return swept

    def _own_folders(self) -> list[Path]:
        """Without Dagster's home, whose empty folders must stay."""
        with contextlib.suppress(OSError):
            return [p for p in self._root.iterdir() if p.is_dir() and p.name != DAGSTER_FOLDER]
        return []

    @contextlib.contextmanager
    def _written(self, path: Path, data: bytes) -> Iterator[Path]:
        """Writes to a file that no reader reads; deletes it unless it has been renamed."""
        file, unfinished = _create_locked(path)
        with file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                yield unfinished
            finally:
                unfinished.unlink(missing_ok=True)


def _create_locked(path: Path) -> tuple[BinaryIO, Path]:
    """A new, locked file next to `path`; a sweep or a delete can remove it before it is locked.

    Raises what the last attempt raised, if the folder can never be created: below a link to a
    folder that does not exist, for example.
    """
    for attempt in range(_MAX_ATTEMPTS):
        is_last = attempt == _MAX_ATTEMPTS - 1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_UNFINISHED}")
            file = unfinished.open("xb")
        except (FileExistsError, FileNotFoundError):
            # Either the folder has just been deleted because it was empty, or it is a file.
            if is_last or (path.parent.exists() and not path.parent.is_dir()):
                raise
            continue
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file, unfinished
        file.close()
    raise FileNotFoundError(errno.ENOENT, "the folder is deleted again and again", str(path.parent))


def _files_below(folder: Path) -> Iterator[Path]:
    def check(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise error

    for base, _, names in os.walk(folder, onerror=check):
        yield from (Path(base, name) for name in names)


def _publish(unfinished: Path, path: Path) -> None:
    unfinished.replace(path)
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except FileNotFoundError:
        return  # another process has deleted the file and its folder
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _version(status: os.stat_result) -> str:
    return f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}"


def _refused(path: Path, operation: str, error: OSError) -> StorageRefused:
    advice = _ADVICE.get(error.errno or 0, "look at the folder and its mount")
    return StorageRefused(str(path), operation, error.strerror or str(error), advice)
