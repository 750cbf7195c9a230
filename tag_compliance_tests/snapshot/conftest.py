"""A store in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.folder import FolderStorage


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path)


@pytest.fixture
def store(storage: FolderStorage) -> SnapshotStore:
    return SnapshotStore(storage)
