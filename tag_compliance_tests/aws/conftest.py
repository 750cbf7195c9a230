from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tag_compliance_tests.fake_aws import FakeAws, Organization
from tag_compliance_tests.support.aws import Start, enter
from tag_compliance_tests.support.environment import become, isolated


@pytest.fixture(autouse=True)
def _no_other_aws(tmp_path: Path) -> None:
    become(isolated(os.environ, tmp_path))


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a fake AWS, and directs every boto3 client of this process to it."""
    with ExitStack() as servers:

        def start(organization: Organization, **settings: Any) -> FakeAws:
            fake = servers.enter_context(FakeAws(organization, **settings))
            enter(fake)
            return fake

        yield start
