"""Writes the exposition of a scan to stdout, to a file (atomically), or to a Pushgateway."""

from __future__ import annotations

import sys
from pathlib import Path

from tag_compliance.cli import options
from tag_compliance.cli.push import push
from tag_compliance.errors import StorageRefused
from tag_compliance.storage.folder import FolderStorage


def write_output(exposition: bytes, output: options.Output) -> None:
    """Raises `TagComplianceError` if a destination fails; an existing file is then kept."""
    if output.push:
        push(exposition, output.push)
    if output.output or not output.push:
        _write(exposition, output.output)


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
