"""The status and the samples of a snapshot that is built from the results of a scan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tag_compliance.domain.counts import Counts, Thresholds
from tag_compliance.domain.metrics import RULE_METRICS
from tag_compliance.domain.read_status import Outcome
from tag_compliance.domain.type_patterns import TypePattern
from tag_compliance.snapshot.builder import SnapshotContents
from tag_compliance_tests.domain.organizations import parsed
from tag_compliance_tests.snapshot.scans import contents_of, scanned_accounts
from tag_compliance_tests.support.snapshots import NOON


def test_the_status_has_the_four_numbers_of_the_scan_of_each_account_and_of_each_region() -> None:
    status = contents_of(scanned_accounts()).status
    shop = Counts(returned=4, excluded=1, counted=3, compliant=1)
    assert status.counts == shop
    assert [account.counts for account in status.accounts] == [shop, Counts()]
    regions = [region.counts for account in status.accounts for region in account.regions]
    assert regions == [shop, None, None]


def test_the_status_has_the_missing_tags_the_outcome_and_the_failures() -> None:
    status = contents_of(scanned_accounts()).status
    assert [(tag.tag, tag.missing) for tag in status.tags] == [("Owner", 2), ("Env", 1)]
    assert status.outcome is Outcome.PARTIAL
    assert status.failures == (
        '111122223333 (sh"op) us-east-1: throttled: too fast',
        "222233334444 (lab): access_denied: no",
    )


def test_the_thresholds_are_in_the_status_and_in_the_exposition() -> None:
    contents = contents_of(scanned_accounts())
    assert contents.status.thresholds == Thresholds(good=90, poor=70)
    found = parsed(contents.exposition)
    levels = [
        found["tag_compliance_threshold_percentage", frozenset({("level", level)})]
        for level in ("good", "poor")
    ]
    assert levels == [90, 70]


def test_a_snapshot_is_stale_after_three_missed_scans() -> None:
    assert contents_of(scanned_accounts()).status.stale_after_seconds == 3 * (300 + 20)


def test_a_snapshot_counts_its_samples_and_its_detail_series() -> None:
    full, capped = contents_of(scanned_accounts()), contents_of(scanned_accounts(), limit=1)
    assert len(parsed(full.exposition)) == full.status.samples
    assert (full.detail_series, full.detail_series_omitted) == (3, 0)
    assert (capped.detail_series, capped.detail_series_omitted) == (1, 2)


def test_a_disabled_metric_is_not_in_the_exposition_and_changes_no_other_metric() -> None:
    full = parsed(contents_of(scanned_accounts()).exposition)
    disabled = {"resources_scanned_total", "tag_compliance_build_info"}
    contents = contents_of(scanned_accounts(), disabled_metrics=frozenset(disabled))
    assert parsed(contents.exposition) == {k: v for k, v in full.items() if k[0] not in disabled}
    assert not any(name.encode() in contents.exposition for name in disabled)


@pytest.mark.parametrize(
    ("limit", "disabled"), [(0, set()), (5, {"tag_missing_detail"})], ids=["off", "disabled"]
)
def test_without_the_detail_series_no_finding_is_loaded_and_no_limit_is_reported(
    limit: int, disabled: set[str]
) -> None:
    lost = [replace(e, findings=None) for e in scanned_accounts()]
    contents = contents_of(lost, limit, disabled_metrics=frozenset(disabled))
    assert contents.detail_series == 0
    for name in (b"tag_missing_detail", b"tag_compliance_detail_series_omitted"):
        assert name not in contents.exposition


_OF_RULES = {metric.name for metric in RULE_METRICS}

_BY_TYPE = {
    "tag_resource_type_compliance_percentage": 2,
    "resources_fully_compliant_by_type_total": 1,
    "resources_fully_compliant_by_type_percentage": 1,
    "tag_compliance_resources_by_type": 1,
}


def _omitted(contents: SnapshotContents) -> dict[str, float]:
    return {
        dict(labels)["family"]: value
        for (name, labels), value in parsed(contents.exposition).items()
        if name == "tag_compliance_series_omitted" and dict(labels)["family"] not in _OF_RULES
    }


@pytest.mark.parametrize(
    ("types", "kept"),
    [
        (["ec2:*"], {"ec2:vpc"}),
        (["VPC", "s3:*"], {"ec2:vpc"}),
        (["ec2:vpc", "unknown:*"], {"ec2:vpc", "unknown:unknown"}),
        (["s3:*"], set()),
    ],
)
def test_the_metrics_by_type_have_only_the_named_types_and_what_is_left_out_is_counted(
    types: list[str], kept: set[str]
) -> None:
    full = parsed(contents_of(scanned_accounts()).exposition)
    contents = contents_of(scanned_accounts(), types=tuple(map(TypePattern, types)))
    found = parsed(contents.exposition)
    assert {k: v for k, v in found.items() if k[0] != "tag_compliance_series_omitted"} == {
        (name, labels): value
        for (name, labels), value in full.items()
        if name != "tag_compliance_series_omitted"
        and (name not in _BY_TYPE or dict(labels)["resource_type"] in kept)
    }
    left_out = {name: series * (2 - len(kept)) for name, series in _BY_TYPE.items()}
    assert _omitted(contents) == left_out | {"tag_missing_detail": 0}


def test_the_detail_series_that_the_limit_leaves_out_are_counted() -> None:
    omitted = _omitted(contents_of(scanned_accounts(), 1))
    assert omitted == dict.fromkeys(_BY_TYPE, 0) | {"tag_missing_detail": 2}
    disabled = frozenset({"resources_fully_compliant_by_type_total"})
    assert _omitted(contents_of(scanned_accounts(), 1, disabled_metrics=disabled)) == {
        name: value for name, value in omitted.items() if name not in disabled
    }


def test_a_snapshot_has_the_operational_samples_of_accounts_and_scan() -> None:
    found = parsed(contents_of(scanned_accounts()).exposition)
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


def test_a_region_that_was_not_read_has_no_number_of_returned_resources() -> None:
    found = parsed(contents_of(scanned_accounts()).exposition)
    returned = {
        (dict(labels)["account_name"], dict(labels)["region"]): value
        for (name, labels), value in found.items()
        if name == "tag_compliance_region_resources_returned"
    }
    assert returned == {('sh"op', "eu-west-1"): 4}


def test_an_account_that_was_never_read_has_no_last_success() -> None:
    names = {
        name
        for name, labels in parsed(contents_of(scanned_accounts()).exposition)
        if ("account_name", "lab") in labels
    }
    assert "tag_compliance_account_scan_success" in names
    assert "tag_compliance_account_last_success_timestamp_seconds" not in names


def test_the_outcome_is_complete_partial_or_nothing() -> None:
    partial = scanned_accounts()
    [shop, lab] = partial
    read = replace(shop.status, regions=shop.status.regions[:1])
    complete = [replace(shop, status=read)]
    outcomes = [contents_of(scan).status.outcome for scan in (complete, partial, [lab])]
    assert outcomes == [Outcome.COMPLETE, Outcome.PARTIAL, Outcome.NOTHING]


def test_without_accounts_the_outcome_is_nothing_and_the_exposition_is_valid() -> None:
    contents = contents_of([])
    assert contents.status.outcome is Outcome.NOTHING
    names = {name for name, _ in parsed(contents.exposition)}
    assert "tag_compliance_scan_completeness_ratio" not in names
