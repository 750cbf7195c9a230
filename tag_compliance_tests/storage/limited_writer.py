"""A writer with a limit for the size of files; prints the error that it gets."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from tag_compliance.errors import StorageRefused
from tag_compliance.storage.folder import FolderStorage

if __name__ == "__main__":
    largest = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    try:
        FolderStorage(Path(sys.argv[1])).write("a", b"x" * (largest + 1))
    except StorageRefused as refused:
        print(refused)
