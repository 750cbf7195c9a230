from __future__ import annotations

from pathlib import Path

import pytest

from tag_compliance_tests.aws.scans import Enter, forget_aws
from tag_compliance_tests.fake_aws import FakeAws


@pytest.fixture(autouse=True)
def _no_other_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_aws(monkeypatch, tmp_path)


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Leads every boto3 client of this process to the fake."""

    def enter(fake: FakeAws) -> None:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)

    return enter
