from __future__ import annotations

from pathlib import Path

import pytest

from tag_compliance_tests.aws.scans import forget_aws


@pytest.fixture(autouse=True)
def _no_other_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_aws(monkeypatch, tmp_path)
