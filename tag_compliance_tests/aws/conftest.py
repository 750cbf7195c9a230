from __future__ import annotations

import os
from pathlib import Path

import pytest

from tag_compliance_tests.support.environment import become, isolated


@pytest.fixture(autouse=True)
def _no_other_aws(tmp_path: Path) -> None:
    become(isolated(os.environ, tmp_path))
