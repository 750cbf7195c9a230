"""Where a scan's exposition goes: stdout and nothing else there, or a file in one step."""

from __future__ import annotations

import sys
from pathlib import Path

from tag_compliance.errors import StorageRefused
from tag_compliance.storage.folder import FolderStorage


def put_out(exposition: bytes, output: str | None) -> None:
    """Raises `StorageRefused` where it cannot be written; a file that was there stays then."""
    try:
        if not output:
            sys.stdout.buffer.write(exposition)
            sys.stdout.buffer.flush()
            return
        path = Path(output)
        if path.exists() and not (path.is_file() or path.is_dir()):
            path.write_bytes(exposition)  # a device or a pipe must not be replaced by a file
        else:
            path = path.resolve()
            FolderStorage(path.parent).write(path.name, exposition)
    except BrokenPipeError:
        raise
    except (OSError, StorageRefused) as error:
        cause = error.cause if isinstance(error, StorageRefused) else error.strerror
        raise StorageRefused(
            output or "stdout", "write", cause or str(error), "the snapshot is in the storage"
        ) from error
