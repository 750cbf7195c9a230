"""The results of a scan with all kinds of resources and regions."""

from __future__ import annotations

from tag_compliance.domain.scan import AccountScan, Reason, RegionScan, ScannedAccount

from tag_compliance.domain.evaluation import evaluate
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.results import ComplianceResults
from tag_compliance_tests.domain.organizations import table_of
from tag_compliance_tests.snapshot.statuses import NOON


def scanned_results() -> ComplianceResults:
    """Regions that were read and that failed; resources that are compliant, incompliant, excluded
    and malformed.
    """
    regions = (
        RegionScan("eu-west-1", Reason.OK, "", 4, 2, 0, 0, 1.5, NOON),
        RegionScan("us-east-1", Reason.THROTTLED, "too fast", 0, 5, 4, 5, 9.0),
    )
    scan = AccountScan("111122223333", 'sh"op', NOON, 9.25, regions, 7, 4, 5, NOON)
    never = AccountScan(
        "222233334444", "lab", NOON, 0.5, (RegionScan("eu-west-1", Reason.ACCESS_DENIED, "no"),)
    )
    rows = [
        ("arn:aws:ec2:eu-west-1:111122223333:vpc/a", "ec2:vpc", {"Owner": "me", "Env": ""}),
        ("arn:aws:ec2:eu-west-1:111122223333:vpc/b", "ec2:vpc", {"Env": "x"}),
        ("arn:aws:ecs:eu-west-1:111122223333:task/c", "ecs:task", {}),
        ("what\n?", "unknown:unknown", {}),
    ]
    table = table_of(
        ("eu-west-1", {"arn": arn, "resource_type": type_, "tags": tags})
        for arn, type_, tags in rows
    )
    accounts = [ScannedAccount(scan, table), ScannedAccount(never, table_of([]))]
    return evaluate(accounts, Policy(("Owner", "Env"), ("ecs:*",)))
