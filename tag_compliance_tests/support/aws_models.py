"""botocore's JSON files, read once per process instead of once per session: 0.2 s each."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import JSONFileLoader


def read_models_once(patch: pytest.MonkeyPatch) -> None:
    """Until the patch is undone."""
    read, models = JSONFileLoader.load_file, dict[str, Any]()

    def load_file(self: JSONFileLoader, file_path: str) -> Any:
        if file_path not in models:
            models[file_path] = read(self, file_path)
        return models[file_path]

    patch.setattr(JSONFileLoader, "load_file", load_file)
