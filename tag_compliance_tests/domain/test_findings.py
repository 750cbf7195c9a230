"""Findings have one row for each resource and rule, in the order of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.findings import FINDING_SCHEMA, build_findings
from tag_compliance.domain.rules.base import Code, Violations
from tag_compliance.domain.rules.required_tag import RequiredTag
from tag_compliance.domain.severity import Severity
from tag_compliance_tests.domain.organizations import table_of

ID = AccountId("111122223333")
TABLE = table_of(
    ("eu-west-1", {"arn": f"arn:{name}", "resource_type": "s3:bucket", "tags": {}})
    for name in "abc"
)


def violations(rows: Sequence[int], *codes: tuple[Code, ...]) -> Violations:
    """Row number n of `rows` has the codes number n."""
    places = np.arange(len(rows), dtype=np.int64)
    return Violations(np.array(rows, dtype=np.int64), codes, places)


def test_each_finding_has_the_rule_the_codes_and_the_resource_that_belong_together() -> None:
    owner, stage = RequiredTag("Owner", Severity.HIGH), RequiredTag("Stage", Severity.LOW)
    found = [
        (owner, Violations.with_one_code(np.array([0, 2]), Code.MISSING)),
        (stage, violations([1, 2], (Code.MISSING,), (Code.MISSING, Code.MISSING))),
    ]
    findings = build_findings(ID, TABLE, found)

    assert findings.schema.equals(FINDING_SCHEMA)
    columns = ("arn", "rule", "severity", "tag", "codes")
    assert [tuple(row[name] for name in columns) for row in findings.to_pylist()] == [
        ("arn:a", "required-tag-Owner", "high", "Owner", ["missing"]),
        ("arn:b", "required-tag-Stage", "low", "Stage", ["missing"]),
        ("arn:c", "required-tag-Owner", "high", "Owner", ["missing"]),
        ("arn:c", "required-tag-Stage", "low", "Stage", ["missing", "missing"]),
    ]


def test_rules_without_violations_have_no_findings() -> None:
    findings = build_findings(ID, TABLE, [(RequiredTag("Owner"), violations([]))])

    assert findings.schema.equals(FINDING_SCHEMA)
    assert len(findings) == len(build_findings(ID, TABLE, [])) == 0
