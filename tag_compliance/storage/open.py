"""Opens the storage that a URI names."""

from __future__ import annotations

from pathlib import Path

from tag_compliance.config.model import is_bucket
from tag_compliance.storage.base import Storage
from tag_compliance.storage.folder import FolderStorage


def open_storage(uri: str) -> Storage:
    """The storage for a folder's path or `s3://bucket/prefix`; reads and creates nothing yet."""
    if is_bucket(uri):
        # boto3, which it imports, is not needed for a folder.
        from tag_compliance.storage.s3 import S3Storage

        return S3Storage(uri)
    return FolderStorage(Path(uri.removeprefix("file://")))
