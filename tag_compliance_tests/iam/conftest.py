"""The environment of the tests of policies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tag_compliance_tests.support.environment import become, isolated


@pytest.fixture(autouse=True)
def _no_foreign_variables(tmp_path: Path) -> None:
    become(isolated(os.environ, tmp_path))
