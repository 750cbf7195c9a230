from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.support.environment import become
from tag_compliance_tests.support.forked import ForkServer
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.program import Program

REGIONS = ["us-east-1", "eu-west-1"]


@pytest.fixture
def fake() -> Iterator[FakeAws]:
    """Three accounts in two regions."""
    with FakeAws(generate_organization(3, REGIONS, 30)) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, fake: FakeAws, forks: ForkServer) -> Place:
    return Place.create(tmp_path / "place", fake, forks, region_deadline=30)


@pytest.fixture
def program(
    place: Place,
    fake: FakeAws,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Program:
    monkeypatch.chdir(place.folder)
    become(place.environment)
    return Program(place, capfdbinary, fake)
