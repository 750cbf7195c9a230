"""Crash safety: a killed scan loses only its own results."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import Outcome
from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.pipeline.run_queries import unfinished_runs
from tag_compliance.tables.findings import Findings
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance_tests.endurance.kill import Killing, kill_at_random
from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.ticks import publish
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.forked import ForkServer
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.waiting import eventually

KILLS = int(os.environ.get("TAG_COMPLIANCE_TESTS_KILLS", "12"))
SEED = int(os.environ.get("TAG_COMPLIANCE_TESTS_SEED", random.randrange(1 << 32)))


@pytest.mark.timeout(60 + 30 * KILLS)
def test_no_scrape_is_wrong_mixed_or_missing_while_scans_are_killed(killing: Killing) -> None:
    report = kill_at_random(killing, KILLS, SEED)
    print(report)
    assert not report.faults
    assert report.kills >= KILLS
    assert report.scrapes > report.kills


def test_a_killed_scan_keeps_what_it_has_read_and_is_published_when_its_heartbeat_is_silent(
    tmp_path: Path, forks: ForkServer
) -> None:
    """SIGKILL, while the last three of six accounts hang."""
    organization = generate_organization(6, REGIONS, 50)
    home = tmp_path / "dagster"
    home.mkdir()
    with FakeAws(organization) as fake, dg.DagsterInstance.from_config(str(home)) as instance:
        place = Place.create(tmp_path / "place", fake, forks)
        pipeline = Pipeline(place.folder, instance)
        ids = [AccountId(account.account_id) for account in organization]
        inventories = RawResources(pipeline.storage, pytest.fail)
        findings = Findings(pipeline.storage, pytest.fail)
        assert place.run("scan", DAGSTER_HOME=str(home)).returncode == 0
        pipeline.make_stored_older(*ids)
        first = {account_id: inventories.load(account_id) for account_id in ids}
        for account_id in ids[3:]:
            fake.faults.add(Fault.HANG, operation="GetResources", account_id=account_id)

        def updated() -> list[AccountId]:
            # The inventory is the second of the two writes.
            return [a for a in ids if inventories.load(a) != first[a]]

        scan = place.start("scan", environment={"DAGSTER_HOME": str(home)})
        eventually(lambda: updated() == ids[:3])
        scan.kill()
        scan.communicate()
        assert scan.returncode == -signal.SIGKILL
        assert updated() == ids[:3]
        for account_id in ids[:3]:
            inventory, stored = inventories.load(account_id), findings.load(account_id)
            assert inventory is not None
            assert stored is not None
            assert inventory.status == stored.status
            assert len(inventory.resources) == stored.summary.total.returned == 100
            assert len(stored.findings()) == sum(stored.summary.rules["violations"].to_pylist())

        assert publish(pipeline).reason.startswith("a scan is still running"), "it may be alive"
        assert not unfinished_runs(instance, Heartbeats(pipeline.storage, 0.001))
        killed, *_ = instance.get_run_records()
        assert killed.dagster_run.status is dg.DagsterRunStatus.FAILURE
        assert pipeline.run(publish(pipeline).request).success
        assert pipeline.current().status.outcome is Outcome.PARTIAL
        assert pipeline.failed_accounts() == ids[3:]
        assert pipeline.current().status.counts.counted == 300
        fake.faults.clear()
        assert place.run("scan").returncode == 0
