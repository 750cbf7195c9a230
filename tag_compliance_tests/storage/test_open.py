"""The storage that a URI names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tag_compliance.storage.folder import FolderStorage
from tag_compliance.storage.open import open_storage


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_path_is_a_folder_that_is_not_created_yet(scheme: str, tmp_path: Path) -> None:
    storage = open_storage(f"{scheme}{tmp_path}/state")
    assert isinstance(storage, FolderStorage)
    assert storage.uri == f"{tmp_path}/state"
    assert not (tmp_path / "state").exists()
