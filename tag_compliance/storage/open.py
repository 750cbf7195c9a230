"""Opens the storage that a URI names."""

from __future__ import annotations

from pathlib import Path

from tag_compliance.storage.base import Storage
from tag_compliance.storage.folder import FolderStorage


def open_storage(uri: str) -> Storage:
    """The storage for a folder's path or `s3://bucket/prefix`; reads and creates nothing yet."""
    if uri.startswith("s3://"):
        from tag_compliance.storage.s3 import (
            S3Storage,
        )  # imports boto3, which a folder does not need

        return S3Storage.at(uri)
    return FolderStorage(Path(uri.removeprefix("file://")))
