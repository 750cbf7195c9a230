"""Where a scan's exposition goes: stdout and nothing else there, a file in one step, a push."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tag_compliance.cli.push import push
from tag_compliance.errors import StorageRefused
from tag_compliance.storage.folder import FolderStorage


@dataclass(frozen=True, slots=True)
class Output:
    """A file, a Pushgateway, or both; with neither, stdout."""

    file: str | None = None
    pushgateway: str | None = None


def put_out(exposition: bytes, output: Output) -> None:
    """Raises `TagComplianceError` where a place refuses; a file that was there stays then."""
    if output.pushgateway:
        push(exposition, output.pushgateway)
    if output.file or not output.pushgateway:
        _write(exposition, output.file)


def _write(exposition: bytes, output: str | None) -> None:
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
