"""The publishing run merges stored evaluations, and evaluates again only what changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.pipeline.merge import MergedScan, policy_of
from tag_compliance.tables.raw_resources import RawResources
from tag_compliance_tests.domain.organizations import NOON, evaluated, summary_of
from tag_compliance_tests.pipeline.tables import (
    AWAY,
    CONFIG,
    HOME,
    LATER,
    ONE,
    TWO,
    Tables,
    account,
    config_of,
    evaluation_file,
    inventory_file,
)

FIRST = account(ONE, HOME, AWAY, good=2, at=NOON)
SECOND = account(TWO, HOME, AWAY, bad=3, at=NOON)


@pytest.fixture
def tables(tables: Tables) -> Tables:
    """Both accounts, read and evaluated at noon."""
    tables.store(CONFIG, NOON, FIRST, SECOND)
    return tables


def account_in(merged: MergedScan, account_id: str) -> tuple[int, Reason]:
    """How many of its resources count, and how reading it ended."""
    (status,) = (s for s in merged.results.statuses if s.account_id == account_id)
    return merged.results.summary.by_account[status.account_id].counted, status.reason


def test_an_unchanged_account_is_merged_from_its_evaluation_which_is_read_once(
    tables: Tables,
) -> None:
    merged = tables.merge(CONFIG, NOON)
    for account_id in (ONE, TWO):
        merged.load_findings(AccountId(account_id))
    assert tables.reads() == {evaluation_file(ONE): 1, evaluation_file(TWO): 1}
    assert merged.results.summary.total.counted == 6 + 8
    assert merged.results.outcome is Outcome.COMPLETE
    assert merged.started_at == NOON


@pytest.mark.parametrize(
    ("changed", "started_at", "again"),
    [
        pytest.param({"REQUIRED_TAGS": ["Owner", "Team"]}, NOON, {ONE, TWO}, id="required-tags"),
        pytest.param({"excluded_resource_types": ["sqs"]}, NOON, {ONE, TWO}, id="exclusions"),
        pytest.param({}, NOON + timedelta(hours=12), {ONE, TWO}, id="utc-day"),
        pytest.param({"regions": (HOME,)}, NOON, {ONE}, id="counted-regions"),
        pytest.param({"thresholds": {"good": 60.0, "poor": 40.0}}, NOON, set(), id="thresholds"),
    ],
)
def test_an_account_is_evaluated_again_exactly_when_its_basis_changed(
    tables: Tables, changed: dict[str, Any], started_at: datetime, again: set[str]
) -> None:
    config = config_of(**changed)
    merged = tables.merge(config, started_at)
    assert tables.reads() == {
        evaluation_file(ONE): 1,
        evaluation_file(TWO): 1,
        **{inventory_file(account_id): 1 for account_id in again},
    }
    policy = policy_of(config)
    first = account(ONE, *changed.get("regions", (HOME, AWAY)), good=2, at=NOON)
    fresh = [evaluated(inventory, policy) for inventory in (first, SECOND)]
    assert merged.results.summary.total == summary_of(fresh, policy).total
    for evaluation in fresh:
        found = merged.load_findings(evaluation.account_id)
        assert found.to_pylist() == evaluation.findings.to_pylist()


def test_a_region_that_was_not_read_counts_until_its_numbers_are_too_old(tables: Tables) -> None:
    config = config_of(on_failure="keep_last", keep_last_for=600)
    failed = account(ONE, HOME, AWAY, reason=Reason.TIMEOUT, at=LATER)
    tables.store(config, LATER, failed)
    assert account_in(tables.merge(config, LATER), ONE) == (6, Reason.TIMEOUT)
    expired = tables.merge(config, NOON + timedelta(seconds=602))
    assert account_in(expired, ONE) == (0, Reason.TIMEOUT)
    assert account_in(expired, TWO) == (8, Reason.OK)
    assert tables.reads() == {
        evaluation_file(ONE): 1,
        evaluation_file(TWO): 1,
        inventory_file(ONE): 1,
        f"tables/failed_readings/{ONE}.parquet": 1,
    }


@pytest.mark.parametrize(("on_failure", "kept"), [("drop", 0), ("keep_last", 6)])
def test_an_account_that_its_scan_has_not_read_has_failed(
    tables: Tables, on_failure: str, kept: int
) -> None:
    """The run that was to read it was lost; another one has read the second account."""
    config = config_of(on_failure=on_failure)
    tables.store(config, LATER, account(TWO, HOME, AWAY, at=LATER))
    merged = tables.merge(config, LATER, read_since=LATER)
    assert account_in(merged, ONE) == (kept, Reason.INTERNAL)
    assert account_in(merged, TWO) == (4, Reason.OK)


def test_a_scan_that_has_read_nothing_started_at_its_own_start(tables: Tables) -> None:
    merged = tables.merge(CONFIG, LATER, read_since=LATER)
    assert merged.results.outcome is Outcome.NOTHING
    assert merged.started_at == LATER


def store_inventory(tables: Tables, inventory: AccountInventory) -> None:
    """Without its evaluation."""
    RawResources(tables.storage, pytest.fail).store(inventory)


def test_an_inventory_that_is_newer_than_its_evaluation_is_evaluated_by_the_scan_that_read_it(
    tables: Tables,
) -> None:
    store_inventory(tables, account(ONE, HOME, AWAY, good=9, at=LATER))
    tables.store(CONFIG, LATER, account(TWO, HOME, AWAY, at=LATER))
    merged = tables.merge(CONFIG, LATER, read_since=LATER)
    assert merged.results.outcome is Outcome.COMPLETE
    assert account_in(merged, ONE) == (20, Reason.OK)
    assert merged.results.statuses[0].started_at == LATER


def test_numbers_and_read_status_are_always_of_the_same_reading(tables: Tables) -> None:
    store_inventory(tables, account(ONE, HOME, AWAY, reason=Reason.TIMEOUT, at=LATER))
    for config in (CONFIG, config_of(REQUIRED_TAGS=["Owner"])):
        found = account_in(tables.merge(config, LATER), ONE)
        assert found in {(6, Reason.OK), (0, Reason.TIMEOUT)}


def test_an_account_without_a_readable_evaluation_is_evaluated_from_its_inventory(
    tables: Tables,
) -> None:
    tables.storage.delete(evaluation_file(ONE))
    tables.storage.write(evaluation_file(TWO), b"damaged")
    merged = tables.merge(CONFIG, NOON)
    assert account_in(merged, ONE) == (6, Reason.OK)
    assert account_in(merged, TWO) == (8, Reason.OK)


def test_a_damaged_inventory_matters_only_when_the_basis_changes(tables: Tables) -> None:
    tables.storage.write(inventory_file(ONE), b"damaged")
    assert account_in(tables.merge(CONFIG, NOON), ONE) == (6, Reason.OK)
    assert tables.warnings == []
    merged = tables.merge(config_of(REQUIRED_TAGS=["Owner"]), NOON)
    assert account_in(merged, ONE) == (0, Reason.NOT_SCANNED)
    (warning,) = tables.warnings
    assert warning.startswith(f"{ONE}: the stored inventory of an account cannot be read: ")


def test_the_day_of_the_evaluation_never_goes_back(tables: Tables) -> None:
    """A re-execution of an old run has the tag of the old scan."""
    merged = tables.merge(CONFIG, NOON - timedelta(days=3))
    assert merged.times.started_at > NOON
    assert account_in(merged, ONE) == (6, Reason.OK)


def test_accounts_come_in_the_configured_order_and_only_those(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    tables.store(CONFIG, NOON, account("333333333333", HOME, at=NOON), SECOND)
    merged = tables.merge(CONFIG, NOON)
    assert [(str(s.account_id), s.reason) for s in merged.results.statuses] == [
        (ONE, Reason.NOT_SCANNED),
        (TWO, Reason.OK),
    ]
    assert list(merged.results.summary.by_account) == [ONE, TWO]
