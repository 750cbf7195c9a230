"""Everything for minutes: the numbers are exact, and no process is left."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tag_compliance_tests.endurance.soak import soak

MINUTES = float(os.environ.get("TAG_COMPLIANCE_TESTS_SOAK_MINUTES", "0.2"))
LONG_ENOUGH_TO_MEASURE = 4
SEED = int(os.environ.get("TAG_COMPLIANCE_TESTS_SEED", random.randrange(1 << 32)))


@pytest.mark.slow
@pytest.mark.timeout(300 + 90 * MINUTES)
def test_every_scrape_is_exact_while_one_call_to_aws_in_twenty_fails(tmp_path: Path) -> None:
    report = soak(tmp_path / "place", 60 * MINUTES, SEED, fault_rate=0.05)
    print(report)
    assert not report.faults, (tmp_path / "place" / "up.log").read_text()[-5000:]
    assert report.snapshots >= 2
    if MINUTES >= LONG_ENOUGH_TO_MEASURE:
        assert not report.grown
