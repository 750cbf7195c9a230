"""Each asset check passes, and fails with the configured severity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from tag_compliance.config import Config
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
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance_tests.pipeline.accounts import account, results_of

ONE, TWO = "111111111111", "222222222222"
FINE = results_of(account(ONE, "eu-west-1"), account(TWO, "eu-west-1"))


def config(**settings: object) -> Config:
    return Config.model_validate(
        {
            "aws_account_matrix": [{"account_id": ONE}, {"account_id": TWO}],
            "REQUIRED_TAGS": ["Owner", "CostCenter"],
            **settings,
        }
    )


def contents(results: ComplianceResults = FINE, age: float = 1.0) -> SnapshotContents:
    now = datetime.now(UTC)
    return contents_at(now - timedelta(seconds=age), now, results)


def contents_at(
    started_at: datetime, made_at: datetime, results: ComplianceResults = FINE
) -> SnapshotContents:
    info = SnapshotInfo(started_at, made_at, "0.1.0")
    settings = SnapshotSettings(("Owner", "CostCenter"), None, 300, Thresholds())
    return build_contents(results, lambda _: FINDING_SCHEMA.empty_table(), info, settings)


def passed(
    results: ComplianceResults, before: ScanStatus | None = None, **settings: object
) -> dict[str, bool]:
    checks = check_results(results, config(**settings), before)
    return {str(check.check_name): check.passed for check in checks}


def test_every_declared_check_has_a_result() -> None:
    assert list(passed(FINE)) == [spec.name for spec in RESULT_CHECKS]
    found = [check.check_name for check in check_snapshot(contents(), config())]
    assert found == [spec.name for spec in SNAPSHOT_CHECKS]


def test_a_scan_without_faults_passes_every_check() -> None:
    assert set(passed(FINE, contents().status).values()) == {True}
    assert all(check.passed for check in check_snapshot(contents(), config()))


def test_a_failed_account_fails_the_checks_of_accounts_and_regions() -> None:
    results = results_of(
        account(ONE, "eu-west-1"),
        account(TWO, "eu-west-1", reason=Reason.ACCESS_DENIED),
    )
    assert {name for name, good in passed(results).items() if not good} == {
        "every_account_read",
        "every_region_read",
    }


def test_a_failed_account_is_named_with_its_reason() -> None:
    results = results_of(account(TWO, "eu-west-1", reason=Reason.ACCESS_DENIED))
    check = check_results(results, config(), None)[0]
    assert check.description == "1 of 1 accounts were not fully read."
    table = check.metadata["failures"]
    assert isinstance(table, dg.TableMetadataValue)
    (row,) = (record.data for record in table.records)
    assert (row["account_id"], row["reason"]) == (TWO, "access_denied")


@pytest.mark.parametrize(("minimum", "good"), [(50, True), (50.1, False)])
def test_compliance_below_its_minimum_fails(minimum: float, good: bool) -> None:
    assert passed(FINE, minimum_compliance=float(minimum))["compliance_above_minimum"] is good


@pytest.mark.parametrize(("minimum", "good"), [(25.0, True), (26.0, False)])
def test_an_account_below_the_minimum_fails(minimum: float, good: bool) -> None:
    results = results_of(account(ONE, "eu-west-1", good=9), account(TWO, "eu-west-1", bad=3))
    found = passed(results, minimum_account_compliance=minimum)
    assert found["account_compliance_above_minimum"] is good


def test_an_account_without_resources_is_not_below_the_minimum() -> None:
    results = results_of(account(ONE, "eu-west-1", good=0, bad=0))
    assert all(passed(results, minimum_compliance=100.0, minimum_account_compliance=100.0).values())


@pytest.mark.parametrize(
    ("now", "largest", "good"),
    [(5, 50.0, True), (4, 50.0, False), (4, 100.0, True), (20, 0.0, True), (9, 0.0, False)],
)
def test_a_larger_drop_of_resources_than_configured_fails(
    now: int, largest: float, good: bool
) -> None:
    before = contents(results_of(account(ONE, "eu-west-1", good=10, bad=0))).status
    results = results_of(account(ONE, "eu-west-1", good=now, bad=0))
    assert passed(results, before, largest_drop=largest)["no_sudden_drop"] is good


def test_an_account_that_failed_then_or_now_is_no_sudden_drop() -> None:
    good = account(ONE, "eu-west-1", good=10)
    bad = account(ONE, "eu-west-1", reason=Reason.TIMEOUT)
    assert passed(results_of(bad), contents(results_of(good)).status)["no_sudden_drop"]
    assert passed(results_of(good), contents(results_of(bad)).status)["no_sudden_drop"]


def test_the_first_snapshot_is_no_sudden_drop() -> None:
    assert passed(FINE, None)["no_sudden_drop"]


@pytest.mark.parametrize(("good", "bad", "shown"), [(999, 1, 99.9), (1999, 1, 99.9), (2, 4, 33.3)])
def test_percentages_are_rounded_down_on_every_surface(good: int, bad: int, shown: float) -> None:
    """Only complete compliance is shown as 100 %."""
    results = results_of(account(ONE, "eu-west-1", good=good, bad=bad))
    found = {c.check_name: c for c in check_results(results, config(), None)}
    check = found["compliance_above_minimum"]
    assert check.metadata["compliance_percentage"] == dg.FloatMetadataValue(shown)
    assert (check.description or "").startswith(f"{shown} % of the counted resources")
    assert metadata.of_results(results)["compliance_percentage"] == shown
    assert (
        metadata.of_snapshot(contents(results), "id", "uri", None)["compliance_percentage"] == shown
    )


@pytest.mark.parametrize("seconds", [890, 3 * (300 + 3_600) + 10])
def test_the_snapshot_of_a_scan_that_has_just_ended_is_fresh_however_long_it_took(
    seconds: float,
) -> None:
    assert is_fresh(contents(age=seconds))


def test_the_snapshot_of_a_scan_that_ended_long_ago_is_not_fresh() -> None:
    then = datetime.now(UTC) - timedelta(hours=1)
    assert not is_fresh(contents_at(then, then + timedelta(seconds=20)))


def is_fresh(snapshot: SnapshotContents) -> bool:
    (check,) = [c for c in check_snapshot(snapshot, config()) if c.check_name == "snapshot_fresh"]
    return check.passed


@pytest.mark.parametrize("severity", list(dg.AssetCheckSeverity))
def test_the_severity_is_the_configured_one(severity: dg.AssetCheckSeverity) -> None:
    settings = config(check_severity=severity.value.lower())
    of_results = check_results(FINE, settings, None)
    checks = [*of_results, *check_snapshot(contents(), settings)]
    assert {check.severity for check in checks} == {severity}
