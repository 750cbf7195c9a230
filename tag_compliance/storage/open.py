"""From the `storage` URI to the place."""

from __future__ import annotations

from pathlib import Path

from tag_compliance.storage.base import Storage
from tag_compliance.storage.folder import FolderStorage


def open_storage(uri: str) -> Storage:
    """The storage behind a folder's path or `s3://bucket/prefix`; nothing is read or made yet."""
    if uri.startswith("s3://"):
        from tag_compliance.storage.s3 import S3Storage  # boto3, only where it is used

        return S3Storage.at(uri)
    return FolderStorage(Path(uri.removeprefix("file://")))
