from __future__ import annotations

from pathlib import Path

import pytest

from tag_compliance_tests.support.environment import become
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.program import Program


@pytest.fixture
def program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> Program:
    place = Place.create(tmp_path / "place")
    monkeypatch.chdir(place.folder)
    become(place.environment)
    return Program(place, capfdbinary)
