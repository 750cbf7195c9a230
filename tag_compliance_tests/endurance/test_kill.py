"""Crash safety: a killed scan loses only its own results."""

from __future__ import annotations

import os
import random
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.pipeline.heartbeat import Heartbeats
from tag_compliance.pipeline.run_queries import unfinished_runs
from tag_compliance.storage.folder import FolderStorage
from tag_compliance.tables.findings import Findings
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance_tests.endurance.kill import Killing, kill_at_random
from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.forked import ForkServer
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.waiting import eventually

ACCOUNTS = 6
KILLS = int(os.environ.get("TAG_COMPLIANCE_TESTS_KILLS", "12"))
SEED = int(os.environ.get("TAG_COMPLIANCE_TESTS_SEED", random.randrange(1 << 32)))


@pytest.mark.timeout(60 + 30 * KILLS)
def test_no_scrape_is_wrong_mixed_or_missing_while_scans_are_killed(killing: Killing) -> None:
    report = kill_at_random(killing, KILLS, SEED)
    assert not report.faults, f"\n{report}"
    assert report.kills >= KILLS
    assert report.scrapes > report.kills


def test_a_scan_that_is_killed_after_half_of_the_accounts_keeps_them(
    tmp_path: Path, forks: ForkServer
) -> None:
    organization = generate_organization(ACCOUNTS, ("us-east-1", "eu-west-1"), 50)
    ids = [AccountId(account.account_id) for account in organization]
    read, unread = ids[: ACCOUNTS // 2], ids[ACCOUNTS // 2 :]
    with FakeAws(organization) as fake:
        place = Place.create(tmp_path / "place", fake, forks)
        storage = FolderStorage(place.state)
        inventories = RawResources(storage, pytest.fail)
        findings = Findings(storage, pytest.fail)
        assert place.run("scan").returncode == 0
        first = {account_id: inventories.load(account_id) for account_id in ids}
        for account_id in unread:
            fake.faults.add(Fault.HANG, operation="GetResources", account_id=account_id)

        def is_updated(account_id: AccountId) -> bool:
            # The inventory is the second of the two writes.
            stored, before = inventories.load(account_id), first[account_id]
            assert stored is not None
            assert before is not None
            return stored.status.started_at > before.status.started_at

        scan = place.start("scan")
        eventually(lambda: all(map(is_updated, read)))
        scan.kill()
        scan.communicate()

        assert not any(map(is_updated, unread))
        for account_id in read:
            inventory, stored = inventories.load(account_id), findings.load(account_id)
            assert inventory is not None
            assert stored is not None
            assert inventory.status == stored.status
            assert len(inventory.resources) == stored.summary.total.returned == 100
            assert len(stored.findings()) == sum(stored.summary.rules["violations"].to_pylist())
        fake.faults.clear()
        assert place.run("scan").returncode == 0


def test_a_killed_run_blocks_no_other_once_its_heartbeat_is_silent(
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
        (dead,) = unfinished_runs(instance, Heartbeats(storage, 90))  # it may be alive

        assert not unfinished_runs(instance, Heartbeats(storage, 0.001))
        run = instance.get_run_by_id(dead.run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.FAILURE
