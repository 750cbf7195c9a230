from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.cli.main import main
from tag_compliance_tests.cli.running import Place
from tag_compliance_tests.fake_aws import FakeAws, generate_organization

REGIONS = ["us-east-1", "eu-west-1"]


@dataclass
class Ended:
    """One command: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@dataclass
class Program:
    """The program in this process, which stands in the place's folder and has its environment."""

    place: Place
    fake: FakeAws
    captured: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Ended:
        self.captured.readouterr()
        try:
            code = main(arguments)
        except SystemExit as exit_:  # argparse
            code = int(str(exit_.code))
        out, err = self.captured.readouterr()
        return Ended(code, out, err)


@pytest.fixture(autouse=True)
def _process_as_it_was() -> Iterator[None]:
    """The program sets up the log and the environment of its process, here that of all tests."""
    root = logging.getLogger()
    handlers, level, environment = root.handlers[:], root.level, dict(os.environ)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def fake() -> Iterator[FakeAws]:
    """Three accounts in two regions."""
    with FakeAws(generate_organization(3, REGIONS, 30)) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, fake: FakeAws) -> Place:
    return Place.create(tmp_path / "place", fake, **_SETTINGS)


@pytest.fixture
def program(
    place: Place,
    fake: FakeAws,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Program:
    monkeypatch.chdir(place.folder)
    os.environ.clear()
    os.environ.update(place.environment)
    return Program(place, fake, capfd)


_SETTINGS: dict[str, Any] = {"region_deadline": 30}
