"""Each asset check passes, and fails with the configured severity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.metrics.table import SnapshotInfo
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.pipeline import metadata
from tag_compliance.pipeline.checks import (
    RESULT_CHECKS,
    SNAPSHOT_CHECKS,
    check_results,
    check_snapshot,
)
from tag_compliance.snapshot.builder import SnapshotContents, SnapshotSettings, build_contents
from tag_compliance_tests.pipeline.tables import (
    HOME,
    ONE,
    REQUIRED,
    TWO,
    account,
    config_of,
    results_of,
)

FINE = results_of(account(ONE, HOME), account(TWO, HOME))


def contents_of(
    results: ComplianceResults = FINE, took: float = 1.0, age: float = 0.0
) -> SnapshotContents:
    """Of a scan that took so many seconds, and ended `age` seconds ago."""
    ended_at = utc_now() - timedelta(seconds=age)
    info = SnapshotInfo(ended_at - timedelta(seconds=took), ended_at, "0.1.0")
    settings = SnapshotSettings(REQUIRED, None, 300, Thresholds())
    return build_contents(results, lambda _: FINDING_SCHEMA.empty_table(), info, settings)


def checks_of(
    results: ComplianceResults = FINE,
    before: ComplianceResults | None = None,
    snapshot: SnapshotContents | None = None,
    **settings: Any,
) -> dict[str, dg.AssetCheckResult]:
    """All checks by name; `before` are the results of the current snapshot."""
    config = config_of(**settings)
    status = contents_of(before).status if before else None
    found = check_results(results, config, status)
    found += check_snapshot(snapshot or contents_of(results), config)
    return {str(check.check_name): check for check in found}


def failed(*args: Any, **settings: Any) -> set[str]:
    return {name for name, check in checks_of(*args, **settings).items() if not check.passed}


def test_a_scan_without_faults_passes_every_declared_check() -> None:
    assert list(checks_of(FINE, FINE)) == [c.name for c in (*RESULT_CHECKS, *SNAPSHOT_CHECKS)]
    assert not failed(FINE, FINE)


def test_a_failed_account_fails_the_checks_of_accounts_and_regions_and_is_named() -> None:
    results = results_of(account(ONE, HOME), account(TWO, HOME, reason=Reason.ACCESS_DENIED))
    assert failed(results) == {"every_account_read", "every_region_read"}
    check = checks_of(results)["every_account_read"]
    assert check.description == "1 of 2 accounts were not fully read."
    table = check.metadata["failures"]
    assert isinstance(table, dg.TableMetadataValue)
    (row,) = (row.data for row in table.records)
    assert (row["account_id"], row["reason"]) == (TWO, "access_denied")


@pytest.mark.parametrize(
    ("setting", "check", "reached", "missed"),
    [
        ("minimum_compliance", "compliance_above_minimum", 62.5, 62.6),
        ("minimum_account_compliance", "account_compliance_above_minimum", 25.0, 26.0),
    ],
)
def test_compliance_below_its_minimum_fails(
    setting: str, check: str, reached: float, missed: float
) -> None:
    results = results_of(account(ONE, HOME, good=9, bad=3), account(TWO, HOME, bad=3))
    assert failed(results, **{setting: reached}) == set()
    assert failed(results, **{setting: missed}) == {check}


def test_an_account_without_resources_is_not_below_the_minimum() -> None:
    results = results_of(account(ONE, HOME, good=0, bad=0))
    assert not failed(results, minimum_compliance=100.0, minimum_account_compliance=100.0)
    check = checks_of(results)["compliance_above_minimum"]
    assert str(check.description).startswith("No resource is counted: ")
    assert "compliance_percentage" not in check.metadata


@pytest.mark.parametrize(
    ("now", "largest", "drops"),
    [(5, 50.0, False), (4, 50.0, True), (4, 100.0, False), (20, 0.0, False), (9, 0.0, True)],
)
def test_a_larger_drop_of_resources_than_configured_fails(
    now: int, largest: float, drops: bool
) -> None:
    before = results_of(account(ONE, HOME, good=10, bad=0))
    results = results_of(account(ONE, HOME, good=now, bad=0))
    assert failed(results, before, largest_drop=largest) == ({"no_sudden_drop"} if drops else set())


def test_neither_a_failed_account_nor_the_first_snapshot_is_a_sudden_drop() -> None:
    good = results_of(account(ONE, HOME, good=10))
    bad = results_of(account(ONE, HOME, reason=Reason.TIMEOUT))
    for results, before in ((bad, good), (good, bad), (good, None)):
        assert "no_sudden_drop" not in failed(results, before)


@pytest.mark.parametrize(("good", "bad", "shown"), [(999, 1, 99.9), (1999, 1, 99.9), (2, 4, 33.3)])
def test_percentages_are_rounded_down_on_every_surface(good: int, bad: int, shown: float) -> None:
    """Only complete compliance is shown as 100 %."""
    results = results_of(account(ONE, HOME, good=good, bad=bad))
    check = checks_of(results)["compliance_above_minimum"]
    assert (check.description or "").startswith(f"{shown} % of the counted resources")
    of_snapshot = metadata.of_snapshot(contents_of(results), "id", "uri", None)
    for found in (check.metadata, metadata.of_results(results), of_snapshot):
        assert found["compliance_percentage"] in (shown, dg.FloatMetadataValue(shown))


@pytest.mark.parametrize(
    ("took", "age", "fresh"),
    [(890, 0, True), (3 * (300 + 3_600) + 10, 0, True), (20, 3_600 - 20, False)],
)
def test_the_snapshot_of_a_scan_is_fresh_at_its_end_however_long_it_took(
    took: float, age: float, fresh: bool
) -> None:
    snapshot = contents_of(took=took, age=age)
    assert failed(snapshot=snapshot) == (set() if fresh else {"snapshot_fresh"})


@pytest.mark.parametrize("severity", list(dg.AssetCheckSeverity))
def test_the_severity_is_the_configured_one(severity: dg.AssetCheckSeverity) -> None:
    checks = checks_of(check_severity=severity.value.lower())
    assert checks.pop("waivers_valid").severity == dg.AssetCheckSeverity.WARN
    assert {check.severity for check in checks.values()} == {severity}
