"""What a team is paged for: each check passes, and each fails, with the configured severity."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from tag_compliance.domain.families import Occasion
from tag_compliance.domain.scan import Reason

from tag_compliance.config import Config
from tag_compliance.domain.counts import count
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.pipeline.checks import (
    RESULT_CHECKS,
    SNAPSHOT_CHECKS,
    check_results,
    check_snapshot,
)
from tag_compliance.snapshot.builder import SnapshotContents, build_contents
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance_tests.pipeline.accounts import results_of, scanned_account

ONE, TWO = "111111111111", "222222222222"
FINE = results_of(scanned_account(ONE, "eu-west-1"), scanned_account(TWO, "eu-west-1"))


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
    occasion = Occasion(now - timedelta(seconds=age), now, "0.1.0")
    return build_contents(results, occasion, max_detail_series=0, refresh_interval=300)


def passed(
    results: ComplianceResults, before: ScanStatus | None = None, **settings: object
) -> dict[str, bool]:
    checks = check_results(results, count(results), config(**settings), before)
    return {str(check.check_name): check.passed for check in checks}


def test_every_check_that_is_declared_is_answered() -> None:
    assert list(passed(FINE)) == [spec.name for spec in RESULT_CHECKS]
    answered = [check.check_name for check in check_snapshot(contents(), config())]
    assert answered == [spec.name for spec in SNAPSHOT_CHECKS]


def test_a_scan_without_fault_passes_them_all() -> None:
    assert set(passed(FINE, contents().status).values()) == {True}
    assert all(check.passed for check in check_snapshot(contents(), config()))


def test_an_account_that_failed_fails_accounts_and_regions() -> None:
    results = results_of(
        scanned_account(ONE, "eu-west-1"),
        scanned_account(TWO, "eu-west-1", reason=Reason.ACCESS_DENIED),
    )
    assert {name for name, good in passed(results).items() if not good} == {
        "every_account_read",
        "every_region_read",
    }


def test_a_failed_account_is_named_with_its_reason() -> None:
    results = results_of(scanned_account(TWO, "eu-west-1", reason=Reason.ACCESS_DENIED))
    check = check_results(results, count(results), config(), None)[0]
    assert check.description == "1 of 1 accounts were not fully read."
    table = check.metadata["failures"]
    assert isinstance(table, dg.TableMetadataValue)
    (row,) = (record.data for record in table.records)
    assert (row["account_id"], row["reason"]) == (TWO, "access_denied")


@pytest.mark.parametrize(("minimum", "good"), [(50, True), (50.1, False)])
def test_compliance_is_held_to_its_minimum(minimum: float, good: bool) -> None:
    assert passed(FINE, minimum_compliance=float(minimum))["compliance_above_minimum"] is good


@pytest.mark.parametrize(("minimum", "good"), [(25.0, True), (26.0, False)])
def test_each_account_is_held_to_its_minimum(minimum: float, good: bool) -> None:
    results = results_of(
        scanned_account(ONE, "eu-west-1", good=9), scanned_account(TWO, "eu-west-1", bad=3)
    )
    answers = passed(results, minimum_account_compliance=minimum)
    assert answers["account_compliance_above_minimum"] is good


def test_an_account_without_resources_is_below_no_minimum() -> None:
    results = results_of(scanned_account(ONE, "eu-west-1", good=0, bad=0))
    assert all(passed(results, minimum_compliance=100.0, minimum_account_compliance=100.0).values())


@pytest.mark.parametrize(
    ("now", "largest", "good"),
    [(5, 50.0, True), (4, 50.0, False), (4, 100.0, True), (20, 0.0, True), (9, 0.0, False)],
)
def test_resources_may_not_drop_by_more_than_is_configured(
    now: int, largest: float, good: bool
) -> None:
    before = contents(results_of(scanned_account(ONE, "eu-west-1", good=10, bad=0))).status
    results = results_of(scanned_account(ONE, "eu-west-1", good=now, bad=0))
    assert passed(results, before, largest_drop=largest)["no_sudden_drop"] is good


def test_an_account_that_failed_then_or_now_is_no_sudden_drop() -> None:
    good = scanned_account(ONE, "eu-west-1", good=10)
    bad = scanned_account(ONE, "eu-west-1", reason=Reason.TIMEOUT)
    assert passed(results_of(bad), contents(results_of(good)).status)["no_sudden_drop"]
    assert passed(results_of(good), contents(results_of(bad)).status)["no_sudden_drop"]


def test_the_first_snapshot_has_nothing_to_drop_from() -> None:
    assert passed(FINE, None)["no_sudden_drop"]


def test_an_exposition_that_does_not_parse_is_told() -> None:
    broken = replace(contents(), exposition=b'a{b="c} 1\n')
    checks = {check.check_name: check for check in check_snapshot(broken, config())}
    assert not checks["exposition_parses"].passed
    assert (checks["exposition_parses"].description or "").startswith("line 1 is malformed")


@pytest.mark.parametrize("seconds", [890, 3 * (300 + 3_600) + 10])
def test_the_snapshot_of_a_scan_that_has_just_ended_is_fresh_however_long_it_took(
    seconds: float,
) -> None:
    assert is_fresh(contents(age=seconds))


def test_the_snapshot_of_a_scan_that_ended_long_ago_is_not_fresh() -> None:
    then = datetime.now(UTC) - timedelta(hours=1)
    occasion = Occasion(then, then + timedelta(seconds=20), "0.1.0")
    assert not is_fresh(build_contents(FINE, occasion, max_detail_series=0, refresh_interval=300))


def is_fresh(snapshot: SnapshotContents) -> bool:
    (check,) = [c for c in check_snapshot(snapshot, config()) if c.check_name == "snapshot_fresh"]
    return check.passed


@pytest.mark.parametrize("severity", list(dg.AssetCheckSeverity))
def test_the_severity_is_the_configured_one(severity: dg.AssetCheckSeverity) -> None:
    settings = config(check_severity=severity.value.lower())
    of_results = check_results(FINE, count(FINE), settings, None)
    checks = [*of_results, *check_snapshot(contents(), settings)]
    assert {check.severity for check in checks} == {severity}
