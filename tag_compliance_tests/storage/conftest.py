"""Storages for tests: a folder, a bucket of a simulated S3, a small disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tag_compliance.storage.base import Storage, Stored
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.storage.open import open_storage
from tag_compliance_tests.support.environment import become, isolated
from tag_compliance_tests.support.system import mounted_tmpfs

BUCKET = "tag-compliance"


def data_of(storage: Storage, name: str, known: Stored | None = None) -> bytes | None:
    stored = storage.read(name, known)
    return stored.data if stored else None


@pytest.fixture
def s3(simulated_s3: str, tmp_path: Path) -> Iterator[None]:
    """boto3 reaches an S3 that has one empty bucket."""
    become(
        {
            **isolated(os.environ, tmp_path),
            "AWS_ENDPOINT_URL": simulated_s3,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    )
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for item in page.get("Contents", []):
            client.delete_object(Bucket=BUCKET, Key=item["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return FolderStorage(tmp_path / "state")
    request.getfixturevalue("s3")
    return open_storage(f"s3://{BUCKET}/some/prefix")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; only root can mount it."""
    disk = tmp_path / "disk"
    with mounted_tmpfs(disk, "size=256k"):
        yield disk
