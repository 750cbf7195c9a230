"""The status of a scan of a large organization."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.counts import Counts
from tag_compliance.domain.read_status import Outcome
from tag_compliance.snapshot.status import AccountStatus, ScanStatus, TagStatus
from tag_compliance_tests.support.snapshots import account_status, region_status, scan_status

_REGIONS = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1"),
    *("ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2"),
    *("eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)


def large_scan(at: datetime, accounts: int = 200, failed: int = 3) -> ScanStatus:
    """Accounts with 17 regions and some thousand resources each; one region each of the last
    `failed` accounts could not be read.
    """
    number = random.Random(7)
    found = tuple(_account(n, at, number, n >= accounts - failed) for n in range(accounts))
    counts = sum((account.counts for account in found), Counts())
    return scan_status(
        at,
        outcome=Outcome.PARTIAL if failed else Outcome.COMPLETE,
        accounts=found,
        counts=counts,
        failures=("team-x 111122223333 ap-south-1: access_denied",) if failed else (),
        tags=(TagStatus("Owner", counts.counted // 7), TagStatus("CostCenter", 12)),
    )


def _account(n: int, at: datetime, number: random.Random, failed: bool) -> AccountStatus:
    regions = []
    for region in _REGIONS:
        counted = int(10 ** number.uniform(1, 4))
        excluded = number.randrange(30)
        compliant = int(counted * min(1, number.uniform(0.55 + n / 500, 1.1)))
        counts = Counts(counted + excluded, excluded, counted, compliant)
        regions.append(region_status(at, counts=counts, region=RegionName(region)))
    if failed:
        old = at - timedelta(days=2)
        message = "User: arn:aws:sts::111122223333:assumed-role/x is not authorized to perform"
        regions[3] = region_status(old, "access_denied", region=_REGIONS[3], message=message)
    name = f"team-{['platform', 'checkout', 'search', 'payments', 'data'][n % 5]}-{n}"
    return replace(account_status(name, *regions), account_id=AccountId(f"{100_000_000_000 + n}"))
