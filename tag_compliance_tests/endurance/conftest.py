from __future__ import annotations

from collections.abc import Iterator

import pytest

from tag_compliance_tests.endurance.kill import Killing, set_up
from tag_compliance_tests.support.forked import ForkServer


@pytest.fixture(scope="session")
def killing(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> Iterator[Killing]:
    """Two states of AWS with their results; each scan repairs what a test did to the storage."""
    with set_up(tmp_path_factory.mktemp("killing") / "place", forks) as scene:
        yield scene
