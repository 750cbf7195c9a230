"""A writer that prints a line when its bytes are in the file, and then waits to be killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tag_compliance.storage.folder import FolderStorage


def _held(_: int) -> None:
    print("held", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    os.fsync = _held  # type: ignore[assignment]
    FolderStorage(Path(sys.argv[1])).write(sys.argv[2], b"new")
