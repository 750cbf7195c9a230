"""A folder as storage: writes are atomic by rename and durable by fsync; flock excludes others."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from tag_compliance.errors import StorageRefused
from tag_compliance.storage.base import Stored

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{16}\.unfinished")
_MAX_ATTEMPTS = 1_000
"""To create a file in a folder that other processes delete when it is empty."""

_ELSEWHERE = "set `storage` to another place"
_ADVICE = {
    errno.ENOSPC: f"free some space, or {_ELSEWHERE}",
    errno.EDQUOT: f"raise the quota, or {_ELSEWHERE}",
    errno.EROFS: f"mount it writable, or {_ELSEWHERE}",
    errno.ENOENT: "create the folder, or mount what a link leads to",
    errno.EACCES: f"give this user access to it, or {_ELSEWHERE}",
    errno.EPERM: f"give this user access to it, or {_ELSEWHERE}",
    errno.EEXIST: "a file is where a folder must be, or a link leads to a missing folder; "
    + _ELSEWHERE,
    errno.ENOTDIR: f"a file is where a folder must be; {_ELSEWHERE}",
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
        with _reported(path, "read"):
            try:
                file = path.open("rb")
            except (FileNotFoundError, NotADirectoryError):
                return None
            with file:
                status = os.fstat(file.fileno())
                version = f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}"
                if known is not None and known.version == version:
                    return known
                return Stored(file.read(), version)

    def write(self, name: str, data: bytes) -> None:
        path = self._root / name
        with _reported(path, "write"), _written(path, data) as unfinished:
            _publish(unfinished, path)

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        path = self._root / name
        while True:
            before = self.read(name)
            data = decide(before.data if before else None)
            if data is None:
                return False
            with (
                _reported(path, "write"),
                _written(path, data) as unfinished,
                _opened(path.parent) as folder,
            ):
                fcntl.flock(folder, fcntl.LOCK_EX)
                # Compares contents: an inode reused within one clock tick looks unchanged.
                now = self.read(name)
                if (now and now.data) == (before and before.data):
                    _publish(unfinished, path)
                    return True

    def names(self, prefix: str, unchanged_seconds: float = 0.0) -> list[str]:
        with _reported(self._root / prefix, "list"):
            return sorted(
                path.relative_to(self._root).as_posix()
                for path in _files_below(self._root / prefix)
                if not _UNFINISHED.fullmatch(path.name) and _is_unchanged(path, unchanged_seconds)
            )

    def delete(self, name: str) -> None:
        path = self._root / name
        with _reported(path, "delete"):
            path.unlink(missing_ok=True)
        self._delete_if_empty(path.parent)

    def sweep(self) -> int:
        """A writer locks its unfinished file; the lock ends when the writer dies."""
        swept = 0
        with _reported(self._root, "list"):
            unfinished = [p for p in _files_below(self._root) if _UNFINISHED.fullmatch(p.name)]
        for path in unfinished:
            with contextlib.suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                swept += 1
            self._delete_if_empty(path.parent)
        return swept

    def _delete_if_empty(self, folder: Path) -> None:
        """A writer that needs the folder creates it again."""
        if folder != self._root:
            with contextlib.suppress(OSError):
                folder.rmdir()


@contextlib.contextmanager
def _reported(path: Path, operation: str) -> Iterator[None]:
    """Raises `StorageRefused` for an error of the operating system, with advice."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "look at the folder and its mount")
        cause = error.strerror or str(error)
        raise StorageRefused(str(path), operation, cause, advice) from error


@contextlib.contextmanager
def _written(path: Path, data: bytes) -> Iterator[Path]:
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
            unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}.unfinished")
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


def _is_unchanged(path: Path, seconds: float) -> bool:
    if not seconds:
        return True
    with contextlib.suppress(FileNotFoundError):
        return time.time() - path.lstat().st_mtime >= seconds
    return False


def _publish(unfinished: Path, path: Path) -> None:
    unfinished.replace(path)
    # Another process can already have deleted the file and its folder.
    with contextlib.suppress(FileNotFoundError), _opened(path.parent) as folder:
        os.fsync(folder)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
