"""A scan that reads nothing: the state metrics show it, and the numbers are the last good ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.pipeline.run_requests import publish_request, range_tags
from tag_compliance.pipeline.run_tags import SCAN_JOB
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.tables import AWAY, HOME, ONE, TWO, Tables, account, config_of
from tag_compliance_tests.support.exposition import Exposition

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
COMPLETENESS = "tag_compliance_scan_completeness_ratio"
NUMBERS = "tag_compliance_region_numbers_timestamp_seconds"
SUCCESS = "tag_compliance_account_scan_success"


@pytest.fixture
def scanned(scanning: Pipeline) -> Pipeline:
    assert scanning.scan().success
    return scanning


def state_of(pipeline: Pipeline) -> Exposition:
    return Exposition(pipeline.current().plain.decode())


@pytest.mark.parametrize("on_failure", ["drop", "keep_last"])
def test_the_state_metrics_show_an_outage_and_the_numbers_stay(
    scanned: Pipeline, fake: FakeAws, on_failure: str
) -> None:
    scanned.configure(on_failure=on_failure)
    before, read_at = scanned.samples(), state_of(scanned).values([NUMBERS])
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    assert scanned.scan().success
    assert scanned.samples() == before
    state = state_of(scanned)
    assert state.values([NUMBERS]) == read_at
    assert state.plain(COMPLETENESS) == 0
    for account_id in scanned.ids:
        denied = {"account_id": account_id, "reason": "assume_role_denied"}
        assert state.value(SUCCESS, **denied) == 0
    assert scanned.current().status.outcome is Outcome.NOTHING
    last = scanned.snapshots.look().last_scan
    assert last is not None
    assert last.outcome is Outcome.NOTHING


def test_a_source_that_is_switched_on_and_cannot_be_read_takes_no_numbers_away(
    scanned: Pipeline, fake: FakeAws
) -> None:
    before = scanned.samples()
    assert before
    scanned.configure(never_tagged="count")
    fake.faults.add(Fault.ACCESS_DENIED, operation="GetIndex")
    scanned.scan()
    assert scanned.current().status.outcome is Outcome.NOTHING
    assert scanned.samples() == before
    fake.faults.clear()
    scanned.configure(never_tagged="off")
    scanned.scan()
    assert scanned.samples() == before


def test_the_published_numbers_of_each_region_have_the_time_of_the_reading_that_they_come_from(
    scanned: Pipeline, fake: FakeAws
) -> None:
    first, *_ = scanned.ids
    before = state_of(scanned).values([NUMBERS])
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=first)
    scanned.configure(on_failure="keep_last")
    scanned.scan()
    kept = state_of(scanned).values([NUMBERS])
    assert kept.keys() == before.keys()
    of_first = {key for key in before if ("account_id", first) in key[1]}
    assert {key for key in kept if kept[key] == before[key]} == of_first
    assert all(kept[key] >= before[key] for key in before)

    scanned.configure(on_failure="drop")
    scanned.scan()
    assert state_of(scanned).values([NUMBERS]).keys() == before.keys() - of_first


def test_after_an_outage_a_scan_of_one_account_restores_what_was_known(
    scanned: Pipeline, fake: FakeAws
) -> None:
    broken, *others = scanned.ids
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=broken)
    scanned.scan()
    known, numbers = state_of(scanned).plain(COMPLETENESS), scanned.samples()
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    scanned.scan()
    assert state_of(scanned).plain(COMPLETENESS) == 0
    assert scanned.samples() == numbers, "the broken account had no numbers before the outage"

    fake.faults.clear()
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole", account_id=broken)
    only = dg.RunRequest(job_name=SCAN_JOB, tags=range_tags(others[0], others[0]))
    scanned.run(publish_request(scanned.run(only).dagster_run, None))
    assert state_of(scanned).plain(COMPLETENESS) == known
    assert scanned.samples() == numbers


def test_a_published_failure_is_in_the_tables_which_keep_what_was_known(
    tables: Tables,
) -> None:
    config = config_of()
    tables.store(config, NOON, account(ONE, HOME, AWAY, at=NOON), account(TWO, HOME, AWAY, at=NOON))
    failed = account(ONE, HOME, AWAY, reason=Reason.TIMEOUT, at=LATER)
    tables.store(config, LATER, failed)
    merged = tables.merge(config, LATER)
    assert [status.reason for status in merged.results.statuses] == [Reason.TIMEOUT, Reason.OK]
    tables.settle(config, LATER)
    assert tables.merge(config, LATER).failed == ()
    assert [s.reason for s in tables.merge(config, LATER).results.statuses] == [
        Reason.TIMEOUT,
        Reason.OK,
    ]
    inventory, _ = tables.load(ONE)
    assert len(inventory.resources) == 4, "what was known is kept"


def test_a_scan_that_reads_nothing_replaces_no_table(tables: Tables) -> None:
    config = config_of()
    good = [account(account_id, HOME, AWAY, at=NOON) for account_id in (ONE, TWO)]
    tables.store(config, NOON, *good)
    before = {i: tables.load(i) for i in (ONE, TWO)}
    lost = [account(i, HOME, AWAY, reason=Reason.UNREACHABLE, at=LATER) for i in (ONE, TWO)]
    tables.store(config, LATER, *lost)
    assert {i: tables.load(i) for i in (ONE, TWO)} == before


def test_kept_numbers_disappear_when_they_are_too_old(tables: Tables) -> None:
    config = config_of(keep_last_for=600)
    tables.store(config, NOON, account(ONE, HOME, AWAY, at=NOON))
    for minutes, kept in ((5, 4), (11, 0)):
        now = NOON + timedelta(minutes=minutes)
        lost = [account(i, HOME, AWAY, reason=Reason.UNREACHABLE, at=now) for i in (ONE, TWO)]
        tables.store(config, now, *lost)
        merged = tables.merge(config, now)
        assert merged.results.outcome is Outcome.NOTHING
        assert merged.results.summary.by_account[AccountId(ONE)].counted == kept


def test_a_first_scan_that_reads_nothing_publishes_its_state_and_no_numbers(
    scanning: Pipeline, fake: FakeAws
) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    assert scanning.scan().success
    assert scanning.samples() == {}
    assert state_of(scanning).plain(COMPLETENESS) == 0


def test_a_good_scan_after_an_outage_has_no_trace_of_it(scanned: Pipeline, fake: FakeAws) -> None:
    fake.faults.add(Fault.ACCESS_DENIED, operation="AssumeRole")
    scanned.scan()
    fake.faults.clear()
    scanned.scan()
    assert scanned.current().status.outcome is Outcome.COMPLETE
    assert scanned.storage.names("tables/failed_readings/") == []
