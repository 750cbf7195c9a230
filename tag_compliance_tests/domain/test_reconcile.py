"""Stored statuses as today's targets require them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target
from tag_compliance.domain.read_status import (
    PlannedSource,
    ReadStatus,
    Reason,
    RegionReadStatus,
    Source,
)
from tag_compliance.domain.reconcile import reconcile
from tag_compliance_tests.domain.organizations import NOON, inventory, region_read

_ID = AccountId("111122223333")
_STORED = inventory(
    regions=[region_read(name, last_success_at=NOON) for name in ("eu-west-1", "us-east-1")]
).status


def _target(*regions: str, name: str = "shop") -> Target:
    return Target(_ID, AccountName(name), tuple(RegionName(region) for region in regions))


def _sources_in(_region: RegionName) -> list[PlannedSource]:
    return [PlannedSource(Source.TAGGING)]


def test_a_stored_status_has_the_target_s_name_and_its_regions_in_their_order() -> None:
    status = reconcile(
        _target("us-east-1", "eu-west-1", name="new"), _STORED, _sources_in, now=NOON
    )
    assert status.display_name == "111122223333 (new)"
    assert [region.region for region in status.regions] == ["us-east-1", "eu-west-1"]
    assert status.succeeded


def test_an_account_that_was_never_read_has_the_reason_not_scanned() -> None:
    status = reconcile(_target("eu-west-1", "us-east-1"), None, _sources_in, now=NOON)
    assert [region.reason for region in status.regions] == [Reason.NOT_SCANNED] * 2
    assert status.last_success_at is None


def test_a_region_that_was_added_has_the_reason_not_scanned() -> None:
    status = reconcile(_target("ap-south-1", "eu-west-1"), _STORED, _sources_in, now=NOON)
    reasons = {region.region: region.reason for region in status.regions}
    assert reasons == {"ap-south-1": Reason.NOT_SCANNED, "eu-west-1": Reason.OK}


def test_a_region_that_is_no_longer_a_target_is_left_out() -> None:
    status = reconcile(_target("eu-west-1"), _STORED, _sources_in, now=NOON)
    assert [region.region for region in status.regions] == ["eu-west-1"]


def test_an_account_that_this_scan_did_not_read_has_failed_and_keeps_its_last_success() -> None:
    since = NOON + timedelta(minutes=1)
    status = reconcile(_target("eu-west-1"), _STORED, _sources_in, now=NOON, read_since=since)
    assert status.regions[0].reason is Reason.INTERNAL
    assert "ended without a result" in status.regions[0].message
    assert status.regions[0].last_success_at == NOON
    assert (status.seconds, status.calls) == (0.0, 0), "those are of an earlier scan"


@pytest.mark.parametrize(("latest_run", "is_of_scan"), [(6, False), (7, True), (8, True)])
def test_where_the_number_of_the_first_run_of_a_scan_is_known_no_clock_decides(
    latest_run: int, is_of_scan: bool
) -> None:
    """The clock of the host that read is hours behind the one that requested the scan, or ahead."""
    stored = replace(_STORED, latest_run=latest_run)
    for since in (NOON - timedelta(hours=3), NOON + timedelta(hours=3)):
        status = reconcile(
            _target("eu-west-1"), stored, _sources_in, now=NOON, read_since=since, first_run=7
        )
        assert status.succeeded is is_of_scan


_EXPLORER = Source.RESOURCE_EXPLORER


@pytest.mark.parametrize("counts", [True, False])
def test_a_source_that_was_switched_on_has_the_reason_not_scanned(counts: bool) -> None:
    planned = [PlannedSource(Source.TAGGING), PlannedSource(_EXPLORER, counts)]
    status = reconcile(_target("eu-west-1"), _STORED, lambda _: planned, now=NOON)
    [region] = status.regions
    reasons = {reading.source: reading.reason for reading in region.sources}
    assert reasons == {Source.TAGGING: Reason.OK, _EXPLORER: Reason.NOT_SCANNED}
    assert region.succeeded is not counts, "a source that is only reported fails no region"


def test_a_source_that_was_switched_off_is_left_out_and_counts_as_configured_now() -> None:
    tagging = ReadStatus(Source.TAGGING, Reason.OK, last_success_at=NOON)
    explored = ReadStatus(_EXPLORER, Reason.NO_INDEX, counts=False)
    stored = inventory(regions=[RegionReadStatus(RegionName("eu-west-1"), (tagging, explored))])
    off = reconcile(_target("eu-west-1"), stored.status, _sources_in, now=NOON)
    assert [reading.source for reading in off.regions[0].sources] == [Source.TAGGING]
    counted = [PlannedSource(Source.TAGGING), PlannedSource(_EXPLORER)]
    count = reconcile(_target("eu-west-1"), stored.status, lambda _: counted, now=NOON)
    assert count.regions[0].reason is Reason.NO_INDEX
