"""Crash safety: a killed scan changes nothing that is served."""

from __future__ import annotations

import os
import random

import dagster as dg
import pytest

from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.pipeline.runs import running_scan
from tag_compliance.storage.folder import FolderStorage
from tag_compliance_tests.endurance.kill import Killing, kill_at_random
from tag_compliance_tests.support.waiting import eventually

KILLS = int(os.environ.get("TAG_COMPLIANCE_TESTS_KILLS", "12"))
SEED = int(os.environ.get("TAG_COMPLIANCE_TESTS_SEED", random.randrange(1 << 32)))


@pytest.mark.timeout(60 + 30 * KILLS)
def test_no_scrape_is_wrong_mixed_or_missing_while_scans_are_killed(killing: Killing) -> None:
    report = kill_at_random(killing, KILLS, SEED)
    assert not report.faults, f"\n{report}"
    assert report.kills >= KILLS
    assert report.scrapes > report.kills


def test_a_killed_run_blocks_no_scan_after_its_heartbeat_has_stopped(
    killing: Killing,
) -> None:
    running = killing.place.state / "running"
    before = set(running.glob("*"))
    scan = killing.start(0, recorded=True)
    eventually(lambda: set(running.glob("*")) - before, pause=0.001)
    scan.kill()
    scan.communicate()
    assert scan.returncode == -9

    storage = FolderStorage(killing.place.state)
    with dg.DagsterInstance.from_config(str(killing.dagster_home)) as instance:
        dead = running_scan(instance, Heartbeats(storage, 90))
        assert dead is not None, "it may still run, so the next scan waits for it"

        assert running_scan(instance, Heartbeats(storage, 0.001)) is None
        run = instance.get_run_by_id(dead.run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.FAILURE
