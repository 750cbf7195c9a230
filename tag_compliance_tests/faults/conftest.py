from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tag_compliance_tests.aws.scans import forget_aws
from tag_compliance_tests.faults.program import Program


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """The program sets up the log of its process, which here is that of all tests."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> Program:
    forget_aws(monkeypatch, tmp_path)
    return Program(tmp_path, monkeypatch, capfdbinary)
