"""The read status of an account: its result, its reason, and the lines for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import (
    ReadStatus,
    Reason,
    RegionReadStatus,
    Source,
    failures_of,
)
from tag_compliance_tests.domain.organizations import NOON, inventory, region_read

_STATUS = inventory(regions=("eu-west-1", "us-east-1")).status
_TIMEOUT = region_read("us-east-1", Reason.TIMEOUT, message="no response in 600 s")


def test_an_account_succeeds_when_every_region_does() -> None:
    failed = replace(_STATUS, regions=(_STATUS.regions[0], _TIMEOUT))
    assert (_STATUS.succeeded, _STATUS.reason) == (True, Reason.OK)
    assert (failed.succeeded, failed.reason) == (False, Reason.TIMEOUT)


def test_a_region_succeeds_when_every_source_does() -> None:
    good = ReadStatus(Source.TAGGING, Reason.OK, returned=3, last_success_at=NOON)
    bad = replace(good, reason=Reason.THROTTLED, message="slow down", last_success_at=None)
    region = RegionReadStatus(RegionName("eu-west-1"), (good, bad))
    assert (region.succeeded, region.reason, region.message) == (
        False,
        Reason.THROTTLED,
        "slow down",
    )
    assert region.last_success_at is None
    assert region.returned == 6


_DENIED = [
    region_read(name, Reason.ASSUME_ROLE_DENIED, message="not trusted") for name in ("a", "b")
]


@pytest.mark.parametrize(
    ("regions", "lines"),
    [
        (_STATUS.regions, []),
        ([_STATUS.regions[0], _TIMEOUT], ["(shop) us-east-1: timeout: no response in 600 s"]),
        (_DENIED, ["(shop): assume_role_denied: not trusted"]),
    ],
)
def test_each_failed_region_has_a_line_and_regions_that_fail_for_one_cause_have_one(
    regions: Sequence[RegionReadStatus], lines: Sequence[str]
) -> None:
    failed = replace(_STATUS, regions=tuple(regions))
    assert failed.failures == tuple(f"111122223333 {line}" for line in lines)


def test_accounts_that_all_fail_for_one_cause_have_one_line_in_total() -> None:
    regions = (region_read("a", Reason.UNREACHABLE, message="no route"),)
    failed = replace(_STATUS, regions=regions)
    assert failures_of([failed, failed]) == ("all 2 accounts: unreachable: no route",)
    assert len(failures_of([failed, _STATUS])) == 1


def test_reasons_are_a_bounded_set() -> None:
    assert " ".join(Reason) == (
        "ok no_credentials access_denied assume_role_denied region_disabled scp_denied throttled "
        "expired_token timeout unreachable malformed_response no_index index_building "
        "no_view view_without_tags view_filtered unsupported_region not_scanned "
        "no_organization list_rejected internal"
    )
