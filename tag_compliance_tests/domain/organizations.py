"""Accounts for tests: as plain dicts for the naive evaluation, as inventories for the real one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.evaluation import Evaluation, basis_of, evaluate
from tag_compliance.domain.metrics import build_families
from tag_compliance.domain.metrics.detail import detail_of
from tag_compliance.domain.metrics.rule_series import choose_series
from tag_compliance.domain.metrics.table import Family, ScanResult, SnapshotInfo
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import (
    AccountReadStatus,
    ReadStatus,
    Reason,
    RegionReadStatus,
    Source,
)
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.domain.summary import SummarizedAccount, Summary
from tag_compliance_tests.domain.naive import Samples, label_of

Row = tuple[str, str, Mapping[str, str]]
"""Region, ARN and tags of a resource."""

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
REGIONS = ("eu-west-1", "us-east-1", "ap-southeast-2")
INFO = SnapshotInfo(NOON, NOON, "0.1.0")

nasty_text = st.text(
    alphabet=st.one_of(
        st.sampled_from("\"\\\n\r\t,{}=~# 'nax😀é\u2028"), st.characters(exclude_categories=["Cs"])
    ),
    min_size=1,
    max_size=8,
)
_types = st.sampled_from(["ec2:instance", "ecs:task", "eks:pod", "s3:bucket", 'x:"{}\\\n,='])
_SOME_OWNED_BY_AWS = [
    ("arn:aws:iam::1:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", "iam:role"),
    ("arn:aws:iam::1:role/not-aws-service-role/x", "iam:role"),
    ("arn:aws:events:us-east-1:1:event-bus/default", "events:event-bus"),
    ("arn:aws:events:us-east-1:1:event-bus/Default", "events:event-bus"),
    ("arn:aws:rds:us-east-1:1:pg:default.mysql8.0", "rds:pg"),
    ("arn:aws:rds:us-east-1:1:pg:defaults", "rds:pg"),
]
patterns = st.lists(
    st.sampled_from(["pod", "ecs:task", "ECS:*", "s3:*", "*:b*", "rds:pg", "nothing"]), max_size=2
)


@st.composite
def required_tags(draw: st.DrawFn) -> list[str]:
    return draw(st.lists(nasty_text, min_size=1, max_size=3, unique=True))


@st.composite
def accounts(draw: st.DrawFn, required: list[str]) -> list[dict[str, Any]]:
    """Up to three accounts whose regions share a small pool of ARNs, so that many come twice."""
    ids = draw(st.lists(st.sampled_from(["111122223333", "222233334444", "0" * 12]), unique=True))
    return [
        {
            "account_id": account_id,
            "account_name": draw(nasty_text),
            "regions": draw(_regions(draw(_resources()), required)),
        }
        for account_id in ids
    ]


@st.composite
def _resources(draw: st.DrawFn) -> list[tuple[str, str]]:
    """ARN and type; some too long for a label, some that look like another's label."""
    pool = []
    for type_ in draw(st.lists(_types, min_size=1, max_size=5)):
        region = draw(st.sampled_from([*REGIONS, "", "eu-central-1"]))
        filling = draw(st.sampled_from(["", "", "x" * 140, "x" * 200]))
        arn = f"arn:aws:{type_.split(':')[0]}:{region}:1:r/{filling}{draw(nasty_text)}"
        pool.append((arn, type_))
        if len(arn) > 200:
            pool += [(label_of(arn), type_), (arn + "y", type_)]
    pool += draw(st.lists(st.sampled_from(_SOME_OWNED_BY_AWS), max_size=3))
    pool += [(text, "unknown:unknown") for text in draw(st.lists(nasty_text, max_size=2))]
    return [*dict(pool).items()]  # one type for each ARN


@st.composite
def _regions(
    draw: st.DrawFn, pool: list[tuple[str, str]], required: list[str]
) -> list[dict[str, Any]]:
    keys = st.sampled_from([*required, "Other", *(tag.swapcase() for tag in required)])
    tags = st.dictionaries(keys, st.sampled_from(["", "x", '"']), max_size=4)
    rows = st.builds(
        lambda resource, tags: {"arn": resource[0], "resource_type": resource[1], "tags": tags},
        st.sampled_from(pool),
        tags,
    )
    names = draw(st.lists(st.sampled_from(REGIONS), min_size=1, max_size=3, unique=True))
    return [
        {
            "region": name,
            "read": draw(st.sampled_from([True, True, True, False])),
            "rows": draw(st.lists(rows, max_size=8)),
        }
        for name in names
    ]


def region_read(region: str, reason: Reason = Reason.OK, **numbers: Any) -> RegionReadStatus:
    """The status of a region that was read from the tagging API alone."""
    return RegionReadStatus(RegionName(region), (ReadStatus(Source.TAGGING, reason, **numbers),))


def inventory_of(account: Mapping[str, Any], rows: Iterable[Any] | None = None) -> AccountInventory:
    """The account as a scan returns it; `rows`, region and row each, in that order."""
    if rows is None:
        rows = [(r["region"], row) for r in account["regions"] for row in r["rows"]]
    regions = [
        region_read(r["region"], Reason.OK if r["read"] else Reason.THROTTLED)
        for r in account["regions"]
    ]
    name = AccountName(account["account_name"])
    read = inventory(regions=regions, account_id=account["account_id"], account_name=name)
    return replace(read, resources=table_of(rows))


def inventory(
    *rows: Row,
    regions: Iterable[str | RegionReadStatus] | None = None,
    account_id: str = "111122223333",
    resource_type: str = "ec2:vpc",
    **changes: Any,
) -> AccountInventory:
    """An account `shop` with these (region, ARN, tags); by default each region was read.

    `changes` are of its read status.
    """
    names = regions if regions is not None else dict.fromkeys(region for region, *_ in rows)
    statuses = tuple(region_read(r) if isinstance(r, str) else r for r in names)
    status = AccountReadStatus(
        AccountId(account_id), AccountName("shop"), NOON, 1.0, statuses, last_success_at=NOON
    )
    resources = table_of(
        (region, {"arn": arn, "resource_type": resource_type, "tags": tags})
        for region, arn, tags in rows
    )
    return AccountInventory(replace(status, **changes), resources)


def evaluated(
    account: AccountInventory, policy: Policy, keep_since: datetime | None = None
) -> Evaluation:
    return evaluate(account, policy, basis_of(account.status, policy, NOON, keep_since))


def summary_of(evaluations: Iterable[Evaluation], policy: Policy) -> Summary:
    accounts = tuple(
        SummarizedAccount(e.account_id, e.status.account_name, e.summary) for e in evaluations
    )
    return Summary(accounts, tuple(str(rule.rule_id) for rule in policy.rules))


def table_of(rows: Iterable[Any]) -> pa.Table:
    records = [
        {
            "region": region,
            "arn": row["arn"],
            "resource_type": row["resource_type"],
            "tags": list(row["tags"].items()),
            "source": Source.TAGGING,
        }
        for region, row in rows
    ]
    return pa.Table.from_pylist(records, schema=RESOURCE_SCHEMA)


def families_of(
    inventories: Iterable[AccountInventory], policy: Policy, limit: int | None = None
) -> list[Family]:
    evaluations = [evaluated(i, policy) for i in inventories]
    summary = summary_of(evaluations, policy)
    findings = {e.account_id: e.findings for e in evaluations}
    detail = detail_of(summary, policy.required_rule_ids, findings.__getitem__, limit)
    statuses = tuple(e.status for e in evaluations)
    rules = choose_series(summary, policy, NOON.date())
    return build_families(ScanResult(summary, statuses, detail, INFO, Thresholds(), rules))


def parsed(exposition: bytes) -> Samples:
    """The samples of an exposition; fails if it contains a series twice."""
    listed = [
        ((sample.name, frozenset(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
    ]
    found = dict(listed)
    assert len(found) == len(listed), "the exposition contains a series twice"
    return found
