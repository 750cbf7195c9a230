"""Files that are replaced atomically by rename, and durably by fsync."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tag_compliance.errors import StorageRefused

UNFINISHED = re.compile(r"\.(.+)\.[0-9a-f]{16}\.unfinished")
"""The name of a file that is being written; its group is the name that the file is to get."""

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


def write_file(path: Path, data: bytes) -> None:
    """Creates or replaces the file, and creates its folder. Raises `StorageRefused`."""
    with reported(path, "write"), written(path, data) as unfinished:
        publish(unfinished, path)


def copy_file(source: Path, path: Path) -> None:
    """Creates or replaces `path` with the content of `source`. Raises `StorageRefused`."""
    with (
        reported(path, "write"),
        source.open("rb") as content,
        created(path) as (file, unfinished),
    ):
        shutil.copyfileobj(content, file)
        sync(file)
        publish(unfinished, path)


@contextlib.contextmanager
def reported(path: Path, operation: str) -> Iterator[None]:
    """Raises `StorageRefused` for an error of the operating system, with advice."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "look at the folder and its mount")
        cause = error.strerror or str(error)
        raise StorageRefused(str(path), operation, cause, advice) from error


@contextlib.contextmanager
def written(path: Path, data: bytes) -> Iterator[Path]:
    """Writes to a file that no reader reads; deletes it unless it has been renamed."""
    with created(path) as (file, unfinished):
        file.write(data)
        sync(file)
        yield unfinished


@contextlib.contextmanager
def created(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file to write to that no reader reads; it is deleted unless it has been renamed."""
    file, unfinished = _create_locked(path)
    with file:
        try:
            yield file, unfinished
        finally:
            unfinished.unlink(missing_ok=True)


def sync(file: BinaryIO) -> None:
    """Makes what was written durable."""
    file.flush()
    os.fsync(file.fileno())


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


def publish(unfinished: Path, path: Path) -> None:
    unfinished.replace(path)
    # Another process can already have deleted the file and its folder.
    with contextlib.suppress(FileNotFoundError), opened(path.parent) as folder:
        os.fsync(folder)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
