"""Generated accounts: as dicts for the simple evaluation, as scans for the real one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tag_compliance.domain.counts import count
from tag_compliance.domain.detail import detail_of
from tag_compliance.domain.evaluation import evaluate
from tag_compliance.domain.families import Occasion, build_families
from tag_compliance.domain.metrics import Family
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.scan import (
    RESOURCE_SCHEMA,
    AccountScan,
    Reason,
    RegionScan,
    ScannedAccount,
)
from tag_compliance_tests.domain.naive import Samples, label_of

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
REGIONS = ("eu-west-1", "us-east-1", "ap-southeast-2")
OCCASION = Occasion(NOON, NOON, "0.1.0")

nasty_text = st.text(
    alphabet=st.one_of(
        st.sampled_from("\"\\\n\r\t,{}=~# 'nax😀é\u2028"), st.characters(exclude_categories=["Cs"])
    ),
    min_size=1,
    max_size=8,
)
_types = st.sampled_from(["ec2:instance", "ecs:task", "eks:pod", "s3:bucket", 'x:"{}\\\n,='])
patterns = st.lists(
    st.sampled_from(["pod", "ecs:task", "ECS:*", "s3:*", "*:b*", "nothing"]), max_size=2
)


@st.composite
def required_tags(draw: st.DrawFn) -> list[str]:
    return draw(st.lists(nasty_text, min_size=1, max_size=3, unique=True))


@st.composite
def accounts(draw: st.DrawFn, required: list[str]) -> list[dict[str, Any]]:
    """Up to three accounts; their regions share a few ARNs, so that many are there twice."""
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
    """ARNs and types; some ARNs are too long for a label or look like the label of another."""
    pool = []
    for type_ in draw(st.lists(_types, min_size=1, max_size=5)):
        region = draw(st.sampled_from([*REGIONS, "", "eu-central-1"]))
        filling = draw(st.sampled_from(["", "", "x" * 140, "x" * 200]))
        arn = f"arn:aws:{type_.split(':')[0]}:{region}:1:r/{filling}{draw(nasty_text)}"
        pool.append((arn, type_))
        if len(arn) > 200:
            pool += [(label_of(arn), type_), (arn + "y", type_)]
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


def scanned(account: Mapping[str, Any], rows: Iterable[Any] | None = None) -> ScannedAccount:
    """The account as a scan returns it; `rows` are pairs of region and row, in that order."""
    if rows is None:
        rows = [(r["region"], row) for r in account["regions"] for row in r["rows"]]
    regions = tuple(
        RegionScan(r["region"], Reason.OK if r["read"] else Reason.THROTTLED)
        for r in account["regions"]
    )
    scan = AccountScan(account["account_id"], account["account_name"], NOON, 1.0, regions)
    return ScannedAccount(scan, table_of(rows))


def table_of(rows: Iterable[Any]) -> pa.Table:
    records = [
        {
            "region": region,
            "arn": row["arn"],
            "resource_type": row["resource_type"],
            "tags": list(row["tags"].items()),
        }
        for region, row in rows
    ]
    return pa.Table.from_pylist(records, schema=RESOURCE_SCHEMA)


def families_of(scans: Iterable[ScannedAccount], policy: Policy, limit: int = 0) -> list[Family]:
    results = evaluate(scans, policy)
    return build_families(results, count(results), detail_of(results, limit), OCCASION)


def parsed(exposition: bytes) -> Samples:
    """The samples of an exposition; fails if there are two samples of one series."""
    listed = [
        ((sample.name, frozenset(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
    ]
    found = dict(listed)
    assert len(found) == len(listed), "two samples of one series"
    return found
