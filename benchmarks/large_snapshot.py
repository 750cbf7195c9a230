"""Makes the content of a snapshot with any number of accounts, regions, types and required tags."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tag_compliance.aws.regions import known_regions
from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.evaluation import basis_of, evaluate
from tag_compliance.domain.metrics.table import SnapshotInfo
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import (
    AccountReadStatus,
    ReadStatus,
    Reason,
    RegionReadStatus,
    Source,
)
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.domain.summary import ComplianceResults, SummarizedAccount, Summary
from tag_compliance.snapshot.builder import SnapshotContents, SnapshotSettings, build_contents

_SERVICES = ("ec2", "lambda", "logs", "elasticloadbalancing", "dynamodb", "secretsmanager")
_KEYS = ("Owner", "Environment", "CostCenter", "Project", "Team", "Application")
_LACKING_ONE_OF = 10
_MAX_DETAIL_SERIES = 100_000
"""The default of the configuration."""


def contents_of(accounts: int, regions: int, types: int, tags: int) -> SnapshotContents:
    """Every region has one resource of each type; at most six tags are required."""
    policy = Policy(_KEYS[:tags])
    names = [*known_regions()][:regions]
    inventories = [_account(n, names, types, policy.required_tags) for n in range(accounts)]
    evaluations = [evaluate(i, policy, basis_of(i.status, policy, utc_now())) for i in inventories]
    summaries = tuple(
        SummarizedAccount(e.account_id, e.status.account_name, e.summary) for e in evaluations
    )
    summary = Summary(summaries, tuple(str(rule.rule_id) for rule in policy.rules))
    findings = {e.account_id: e.findings for e in evaluations}
    now = utc_now()
    return build_contents(
        ComplianceResults(tuple(e.status for e in evaluations), summary),
        findings.__getitem__,
        SnapshotInfo(now, now, "benchmark"),
        SnapshotSettings(policy.required_tags, _MAX_DETAIL_SERIES, 86_400, Thresholds()),
    )


def _account(
    number: int, regions: list[str], types: int, keys: tuple[str, ...]
) -> AccountInventory:
    account_id = f"{100_000_000_000 + number}"
    names = [f"{_SERVICES[n % len(_SERVICES)]}:resource-{n:02}" for n in range(types)]
    rows = len(regions) * types
    region = np.repeat(np.arange(len(regions), dtype=np.int32), types)
    type_ = np.tile(np.arange(types, dtype=np.int32), len(regions))
    arns = [
        f"arn:aws:{names[t].replace(':', f':{regions[r]}:{account_id}:')}/orders-service-{row:09}"
        for row, (r, t) in enumerate(zip(region.tolist(), type_.tolist(), strict=True))
    ]
    tags_type = RESOURCE_SCHEMA.field("tags").type
    source = pa.array(np.zeros(rows, dtype=np.int32))
    table = pa.table(
        {
            "region": pa.DictionaryArray.from_arrays(pa.array(region), pa.array(regions)),
            "arn": pa.array(arns),
            "resource_type": pa.DictionaryArray.from_arrays(pa.array(type_), pa.array(names)),
            "tags": pa.array([_tags(row, keys) for row in range(rows)], tags_type),
            "source": pa.DictionaryArray.from_arrays(source, pa.array([str(Source.TAGGING)])),
        },
        schema=RESOURCE_SCHEMA,
    )
    return AccountInventory(_status(number, account_id, regions, types), table)


def _tags(row: int, keys: tuple[str, ...]) -> list[tuple[str, str]]:
    lacking = row // _LACKING_ONE_OF % len(keys) if row % _LACKING_ONE_OF == 0 else None
    return [(key, f"value-of-{key}") for at, key in enumerate(keys) if at != lacking]


def _status(number: int, account_id: str, regions: list[str], types: int) -> AccountReadStatus:
    now = utc_now()
    sources = (
        ReadStatus(
            Source.TAGGING, Reason.OK, returned=types, calls=1, seconds=1.0, last_success_at=now
        ),
    )
    return AccountReadStatus(
        AccountId(account_id),
        AccountName(f"team-{number}"),
        started_at=now,
        seconds=1.0,
        regions=tuple(RegionReadStatus(RegionName(name), sources) for name in regions),
        calls=1 + len(regions),
        last_success_at=now,
    )
