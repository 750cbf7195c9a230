"""The metrics of accounts and of their discovery."""

from __future__ import annotations

from datetime import UTC, datetime

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.metrics import build_families
from tag_compliance.domain.metrics.detail import detail_of
from tag_compliance.domain.metrics.rule_series import choose_series
from tag_compliance.domain.metrics.table import ScanResult
from tag_compliance.domain.organization import AccountState, Attempt, DiscoveryStatus
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import Reason
from tag_compliance.domain.summary import SummarizedAccount, Summary
from tag_compliance.snapshot.exposition import render
from tag_compliance_tests.domain.organizations import INFO, evaluated, inventory

_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
_ID = "111122223333"


def _lines(account: SummarizedAccount, discovery: DiscoveryStatus | None) -> list[str]:
    summary = Summary((account,), ())
    detail = detail_of(summary, (), lambda _id: evaluation.findings, None)
    evaluation = evaluated(inventory(regions=("eu-west-1",)), Policy(()))
    rules = choose_series(summary, Policy(()), INFO.made_at.date())
    scan = ScanResult(summary, (), detail, INFO, Thresholds(), rules, discovery=discovery)
    return render(build_families(scan)).decode().splitlines()


def _account(ou_path: str = "", owner: str = "") -> SummarizedAccount:
    evaluation = evaluated(inventory(regions=("eu-west-1",)), Policy(()))
    name = AccountName("shop")
    return SummarizedAccount(AccountId(_ID), name, evaluation.summary, ou_path, owner)


def _info(ou_path: str, owner: str) -> str:
    labels = f'account_name="shop",account_id="{_ID}",ou_path="{ou_path}",owner="{owner}"'
    return f"tag_compliance_account_info{{{labels}}} 1"


def test_an_account_has_its_path_and_owner_or_none() -> None:
    assert _info("Workloads/Prod", "a@b.c") in _lines(_account("Workloads/Prod", "a@b.c"), None)
    assert _info("(none)", "(none)") in _lines(_account(), None)


def test_long_paths_and_owners_are_cut_to_120_characters_and_stay_different() -> None:
    found = [
        next(line for line in _lines(_account("x" * 130 + end), None) if "_info{" in line)
        for end in "ab"
    ]
    paths = [line.partition('ou_path="')[2].partition('"')[0] for line in found]
    assert [len(path) for path in paths] == [120, 120]
    assert len(set(paths)) == 2


def test_without_aws_organizations_nothing_is_said_about_discovery() -> None:
    assert not [line for line in _lines(_account(), None) if "discover" in line]


def test_a_failed_discovery_has_its_reason_and_the_time_of_the_list_in_use() -> None:
    counts = {(AccountState.CLOSED, False): 1, (AccountState.ACTIVE, True): 3}
    status = DiscoveryStatus(Attempt(_AT, Reason.LIST_REJECTED, "empty"), _AT, counts)
    lines = [line for line in _lines(_account(), status) if "discover" in line and "#" not in line]
    assert lines == [
        'tag_compliance_discovered_accounts{state="active",scanned="true"} 3',
        'tag_compliance_discovered_accounts{state="closed",scanned="false"} 1',
        'tag_compliance_discovery_success{reason="list_rejected"} 0',
        f"tag_compliance_discovery_list_timestamp_seconds {_AT.timestamp():.0f}",
    ]
