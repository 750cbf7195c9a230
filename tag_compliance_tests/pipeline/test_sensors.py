"""Ticks of the sensors: the first scan, missed scans, and the publication of what was read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.evaluation import Evaluation
from tag_compliance.domain.read_status import Outcome
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.pipeline.heartbeat import HEARTBEATS
from tag_compliance.pipeline.run_tags import (
    ACCOUNT_TAG,
    PUBLISH_JOB,
    PUBLISHES_TAG,
    SCAN_TAG,
    TRIGGER_TAG,
)
from tag_compliance.tables.findings import Findings, encode_evaluation
from tag_compliance.tables.raw_resources import RawResources, encode_inventory
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.conftest import ids_of
from tag_compliance_tests.pipeline.pipelines import Pipeline, make_older
from tag_compliance_tests.pipeline.ticks import Tick, look, publish, tick
from tag_compliance_tests.support.forked import ForkServer
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.waiting import eventually

IDS = ["100000000000", "100000000001", "100000000002"]
SCHEDULED = {TRIGGER_TAG: "schedule"}
Status = dg.DagsterRunStatus


@pytest.fixture
def idle(tmp_path: Path, kept_instance: dg.DagsterInstance) -> Pipeline:
    """Three accounts, every five minutes, and nothing has run yet."""
    pipeline = Pipeline(tmp_path, kept_instance)
    pipeline.configure(IDS)
    return pipeline


def scanned(pipeline: Pipeline, seconds_ago: int) -> None:
    """A scan that was requested so long ago, and published."""
    run_id = pipeline.note(Status.SUCCESS, tags=SCHEDULED)
    make_older(pipeline.instance, run_id, timedelta(seconds=seconds_ago))
    pipeline.note(Status.SUCCESS, tags={PUBLISHES_TAG: run_id}, job=PUBLISH_JOB)


def test_the_first_scan_starts_at_once(idle: Pipeline) -> None:
    request = look(idle).request
    assert (request.run_key, request.tags[TRIGGER_TAG]) == ("catch-up-after-none-1", "catch-up")


def test_no_scan_is_started_while_the_latest_one_is_recent(idle: Pipeline) -> None:
    scanned(idle, 350)
    assert look(idle).reason.startswith("the latest scan started at ")


def test_a_missed_scan_is_requested_under_a_key_of_its_own(idle: Pipeline) -> None:
    """So that two ticks do not start it twice."""
    scanned(idle, 370)
    key = look(idle).request.run_key
    assert str(key).startswith("catch-up-after-2")
    assert look(idle).request.run_key == key


def test_an_interval_of_less_than_a_minute_does_not_wait_for_cron(idle: Pipeline) -> None:
    scanned(idle, 31)
    assert len(look(idle, seconds=30).requests) == 1
    assert not look(idle, seconds=40).requests


def test_a_scan_of_a_single_account_does_not_replace_the_next_scan(idle: Pipeline) -> None:
    scanned(idle, 370)
    idle.note(Status.SUCCESS, tags={TRIGGER_TAG: "cli", ACCOUNT_TAG: IDS[0]})
    idle.note(Status.SUCCESS, job=PUBLISH_JOB)
    assert len(look(idle).requests) == 1


@pytest.mark.parametrize("ask", [tick, look])
def test_a_faulty_configuration_requests_the_run_that_reports_its_faults(
    idle: Pipeline, ask: Callable[[Pipeline], Tick]
) -> None:
    idle.config_path.write_text("unknown: 1\n")
    request = ask(idle).request
    assert request.asset_selection == [dg.AssetKey("scan_config")]


def test_a_faulty_configuration_stops_the_publication_with_a_reason(idle: Pipeline) -> None:
    idle.config_path.write_text("unknown: 1\n")
    assert "unknown" in publish(idle).reason


def test_an_account_that_was_added_or_removed_is_a_partition_before_the_next_scan(
    idle: Pipeline,
) -> None:
    scanned(idle, 0)
    look(idle)
    idle.configure([IDS[1], "100000000009"])
    assert not look(idle).requests
    assert idle.partitions() == [IDS[1], "100000000009"]


def test_partitions_do_not_change_while_a_scan_is_running(idle: Pipeline) -> None:
    look(idle)
    idle.note(Status.STARTED)
    idle.configure(IDS[:1])
    look(idle)
    assert idle.partitions() == IDS


def published(pipeline: Pipeline) -> Outcome:
    """Executes the publishing run that the sensor requests; it requests no other."""
    request = publish(pipeline).request
    assert request.job_name == PUBLISH_JOB
    pipeline.run(request)
    assert publish(pipeline).reason == "everything that was read is published"
    return pipeline.current().status.outcome


def test_nothing_is_published_before_the_first_scan(scanning: Pipeline) -> None:
    assert publish(scanning).reason == "everything that was read is published"


def test_a_scheduled_scan_is_published_once_with_its_start_time(scanning: Pipeline) -> None:
    (request,) = scanning.requests("schedule")
    reading = scanning.run(request)
    requested = publish(scanning).request
    assert requested.tags[PUBLISHES_TAG] == reading.run_id
    assert requested.tags[SCAN_TAG] == request.tags[SCAN_TAG]
    assert published(scanning) is Outcome.COMPLETE


def test_a_publication_waits_for_every_reading_run(scanning: Pipeline) -> None:
    scanning.run(scanning.requests("schedule")[0])
    run_id = scanning.note(Status.STARTED, assets=["raw_resources"])
    assert publish(scanning).reason == "unfinished reading runs: 1"
    make_older(scanning.instance, run_id, timedelta(minutes=3))
    assert published(scanning) is Outcome.COMPLETE


def ui_run(pipeline: Pipeline, *assets: str, partition: str | None = None) -> None:
    """A materialization from the UI, which has Dagster's own job and the selected assets."""
    pipeline.definitions().resolve_implicit_global_asset_job_def().execute_in_process(
        instance=pipeline.instance,
        partition_key=partition,
        asset_selection=[dg.AssetKey(asset) for asset in assets],
    )


def test_several_runs_of_a_backfill_are_published_once(scanning: Pipeline) -> None:
    scanning.requests()
    for account_id in scanning.partitions():
        ui_run(scanning, "scan_config", "raw_resources", partition=account_id)
    assert published(scanning) is Outcome.COMPLETE


def test_a_run_of_all_four_assets_is_not_published_again(scanning: Pipeline) -> None:
    scanning.requests()
    ui_run(
        scanning,
        "scan_config",
        "raw_resources",
        "compliance_results",
        "metric_snapshot",
        partition=scanning.partitions()[0],
    )
    assert publish(scanning).reason == "everything that was read is published"


def test_a_scan_that_read_nothing_is_published_once_and_keeps_the_snapshot(
    scanning: Pipeline, fake: FakeAws
) -> None:
    scanning.scan()
    before = scanning.current().snapshot_id
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    scanning.run(scanning.requests()[0])
    published(scanning)
    assert scanning.current().snapshot_id == before
    last = scanning.snapshots.look().last_scan
    assert last is not None
    assert last.outcome is Outcome.NOTHING


@pytest.mark.parametrize("ask", [tick, look])
def test_a_sensor_that_is_off_delays_the_next_scan_only_for_minutes(
    tmp_path: Path,
    kept_instance: dg.DagsterInstance,
    fake: FakeAws,
    ask: Callable[[Pipeline], Tick],
) -> None:
    pipeline = Pipeline(tmp_path, kept_instance)
    pipeline.configure(ids_of(fake))
    run_id = pipeline.run(pipeline.requests("schedule")[0]).run_id
    make_older(kept_instance, run_id, timedelta(hours=1), and_silent=False)
    assert ask(pipeline).reason == f"what run {run_id} has read is still to be published"
    make_older(kept_instance, run_id, timedelta(minutes=6))
    assert len(ask(pipeline).requests) == 1


@pytest.mark.slow
def test_a_killed_scan_keeps_and_publishes_the_accounts_that_it_has_read(
    tmp_path: Path, kept_instance: dg.DagsterInstance, fake: FakeAws, forks: ForkServer
) -> None:
    """SIGKILL, while the last account hangs."""
    place = Place.create(tmp_path / "place", fake, forks)
    pipeline = Pipeline(place.folder, kept_instance)
    *first, last = ids_of(fake)
    pipeline.configure([*first, last])
    pipeline.scan()
    _age(pipeline, last)
    before = {a: pipeline.storage.read(_findings_of(a)) for a in (*first, last)}
    fake.faults.add(Fault.HANG, operation="GetResources", account_id=last, seconds=60)
    scan = place.start("scan", environment={"DAGSTER_HOME": kept_instance.root_directory})

    def changed() -> list[str]:
        return [a for a in before if before[a] != pipeline.storage.read(_findings_of(a))]

    eventually(lambda: changed() == first)
    scan.kill()
    scan.communicate()
    (killed,) = (n.rpartition("/")[2] for n in pipeline.storage.names(f"{HEARTBEATS}/"))
    assert publish(pipeline).reason == "unfinished reading runs: 1", "it may be alive"
    pipeline.storage.delete(f"{HEARTBEATS}/{killed}")
    make_older(kept_instance, killed, timedelta(minutes=3))
    fake.faults.clear()
    assert published(pipeline) is Outcome.PARTIAL
    status = pipeline.current().status
    assert [a.account_id for a in status.accounts if a.succeeded] == first
    assert status.counts.counted == 120


def _age(pipeline: Pipeline, account_id: str) -> None:
    """The account was read a minute ago: clocks may differ by seconds."""
    inventory = RawResources(pipeline.storage, pytest.fail).load(AccountId(account_id))
    stored = Findings(pipeline.storage, pytest.fail).load(AccountId(account_id))
    assert inventory is not None
    assert stored is not None
    started_at = stored.status.started_at - timedelta(minutes=1)
    status = dataclasses.replace(stored.status, started_at=started_at)
    older = Evaluation(status, stored.basis, stored.findings(), stored.summary)
    pipeline.storage.write(_findings_of(account_id), encode_evaluation(older))
    read = AccountInventory(status, inventory.resources)
    name = f"tables/raw_resources/{account_id}.parquet"
    pipeline.storage.write(name, encode_inventory(read))


def _findings_of(account_id: str) -> str:
    return f"tables/findings/{account_id}.parquet"
