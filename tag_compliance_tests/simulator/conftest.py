from __future__ import annotations

from collections.abc import Iterator

import pytest

from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import five_queues


@pytest.fixture
def aws() -> Iterator[SimulatedAws]:
    with SimulatedAws(five_queues()) as simulated:
        yield simulated
