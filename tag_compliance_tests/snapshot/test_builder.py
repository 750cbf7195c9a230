"""The status and the samples of a snapshot that is built from the results of a scan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tag_compliance.domain.families import Occasion

from tag_compliance.domain.results import ComplianceResults
from tag_compliance.snapshot.builder import SnapshotContents, build_contents, outcome_of
from tag_compliance.snapshot.status import Outcome
from tag_compliance_tests.domain.organizations import parsed
from tag_compliance_tests.snapshot.scans import scanned_results
from tag_compliance_tests.snapshot.statuses import NOON


def _contents(results: ComplianceResults, limit: int = 0) -> SnapshotContents:
    occasion = Occasion(NOON, NOON + timedelta(seconds=20), "0.1.0")
    return build_contents(results, occasion, max_detail_series=limit, refresh_interval=300)


def test_the_status_has_the_totals_of_the_counted_resources() -> None:
    status = _contents(scanned_results()).status
    assert (status.resources, status.compliant) == (3, 1)
    assert [(tag.tag, tag.missing) for tag in status.tags] == [("Owner", 2), ("Env", 1)]
    assert status.outcome is Outcome.PARTIAL
    assert status.failures == (
        '111122223333 (sh"op) us-east-1: throttled: too fast',
        "222233334444 (lab): access_denied: no",
    )


def test_a_region_has_a_percentage_only_if_resources_are_counted() -> None:
    accounts = _contents(scanned_results()).status.accounts
    percentages = [
        region.compliance_percentage for account in accounts for region in account.regions
    ]
    assert percentages == [pytest.approx(100 / 3), None, None]


def test_a_snapshot_is_stale_after_three_missed_scans() -> None:
    assert _contents(scanned_results()).status.stale_after_seconds == 3 * (300 + 20)


def test_a_snapshot_counts_its_samples_and_its_detail_series() -> None:
    full, capped = _contents(scanned_results()), _contents(scanned_results(), 1)
    assert len(parsed(full.exposition)) == full.samples
    assert (full.detail_series, full.detail_series_omitted) == (3, 0)
    assert (capped.detail_series, capped.detail_series_omitted) == (1, 2)


def test_a_snapshot_has_the_operational_samples_of_accounts_and_scan() -> None:
    found = parsed(_contents(scanned_results()).exposition)
    shop = {"account_name": 'sh"op', "account_id": "111122223333"}
    expected: dict[tuple[str, frozenset[tuple[str, str]]], float] = {
        ("account_scan_success", frozenset({**shop, "reason": "throttled"}.items())): 0,
        ("account_last_success_timestamp_seconds", frozenset(shop.items())): NOON.timestamp(),
        ("account_scan_duration_seconds", frozenset(shop.items())): 9.25,
        ("account_scan_api_calls", frozenset(shop.items())): 7,
        ("account_scan_api_retries", frozenset(shop.items())): 4,
        ("account_scan_api_throttled_calls", frozenset(shop.items())): 5,
        ("unparsable_arn_resources", frozenset(shop.items())): 1,
        ("region_resources_returned", frozenset({**shop, "region": "eu-west-1"}.items())): 4,
        ("scan_completeness_ratio", frozenset()): 1 / 3,
        ("scan_timestamp_seconds", frozenset()): NOON.timestamp(),
        ("scan_duration_seconds", frozenset()): 20,
        ("snapshot_timestamp_seconds", frozenset()): NOON.timestamp() + 20,
        ("build_info", frozenset({("version", "0.1.0")})): 1,
    }
    wanted = {(f"tag_compliance_{name}", labels): v for (name, labels), v in expected.items()}
    assert {key: found.get(key) for key in wanted} == wanted


def test_an_account_that_was_never_read_has_no_last_success() -> None:
    names = {
        name
        for name, labels in parsed(_contents(scanned_results()).exposition)
        if ("account_name", "lab") in labels
    }
    assert "tag_compliance_account_scan_success" in names
    assert "tag_compliance_account_last_success_timestamp_seconds" not in names


def test_the_outcome_is_complete_partial_or_nothing() -> None:
    partial = scanned_results()
    [shop, lab] = partial.scans
    complete = replace(partial, scans=(replace(shop, regions=shop.regions[:1]),))
    nothing = replace(partial, scans=(lab,))
    outcomes = [outcome_of(results) for results in (complete, partial, nothing)]
    assert outcomes == [Outcome.COMPLETE, Outcome.PARTIAL, Outcome.NOTHING]


def test_without_accounts_the_outcome_is_nothing_and_the_exposition_is_valid() -> None:
    nothing = replace(scanned_results(), scans=(), counted=(), excluded=(), unparsable=())
    contents = _contents(replace(nothing, table=nothing.table.slice(0, 0)))
    assert contents.status.outcome is Outcome.NOTHING
    names = {name for name, _ in parsed(contents.exposition)}
    assert "tag_compliance_scan_completeness_ratio" not in names
