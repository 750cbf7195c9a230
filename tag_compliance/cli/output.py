"""Where a scan's exposition goes: stdout and nothing else there, or a file in one step."""

from __future__ import annotations

import sys
from pathlib import Path

from tag_compliance.storage.folder import FolderStorage


def put_out(exposition: bytes, output: str | None) -> None:
    """Raises `StorageRefused` where the file cannot be written; what was there stays then."""
    if output:
        path = Path(output).absolute()
        FolderStorage(path.parent).write(path.name, exposition)
    else:
        sys.stdout.buffer.write(exposition)
        sys.stdout.buffer.flush()
