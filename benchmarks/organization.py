"""Generates the result of reading any number of resources, column by column."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.cases import REGIONS
from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.evaluation import Evaluation, basis_of, evaluate
from tag_compliance.domain.metrics import build_families
from tag_compliance.domain.metrics.detail import LoadFindings, detail_of
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
from tag_compliance.domain.summary import ComplianceResults, SummarizedAccount, Summary

POLICY = Policy(("Owner", "Environment", "CostCenter", "Project"), ("ecs:task",))
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

_REGIONS = REGIONS[:5]
_ROWS_PER_REGION = 1_000
_TYPES = (
    *("ec2:instance", "ec2:volume", "ec2:security-group", "lambda:function", "sqs:queue"),
    *("sns:topic", "logs:log-group", "elasticloadbalancing:loadbalancer", "rds:db"),
    *("dynamodb:table", "kms:key", "secretsmanager:secret", "s3:bucket"),
)
_KEYS = (*POLICY.required_tags, "Name")
# 3 of 20 resources lack two of the four required tags: 0.3 missing tags per resource.
_LACKING, _OF = 3, 20


def inventories(resources: int, *, missing_all: bool = False) -> list[AccountInventory]:
    """Accounts with this total number of resources: five regions each, 1,000 per region.

    A resource lacks 0.3 required tags on average; with `missing_all` it lacks all four.
    """
    per_account = _ROWS_PER_REGION * len(_REGIONS)
    return [
        _account(
            number, min(per_account, resources - number * per_account), missing_all=missing_all
        )
        for number in range(-(-resources // per_account))
    ]


def evaluated(accounts: list[AccountInventory]) -> list[Evaluation]:
    return [evaluate(a, POLICY, basis_of(a.status, POLICY, NOON)) for a in accounts]


def merged(evaluations: list[Evaluation]) -> tuple[ComplianceResults, LoadFindings]:
    """The results of a scan, and the findings of each of its accounts."""
    accounts = tuple(
        SummarizedAccount(e.account_id, e.status.account_name, e.summary) for e in evaluations
    )
    rules = tuple(str(rule.rule_id) for rule in POLICY.rules)
    findings = {evaluation.account_id: evaluation.findings for evaluation in evaluations}
    statuses = tuple(evaluation.status for evaluation in evaluations)
    return ComplianceResults(statuses, Summary(accounts, rules)), findings.__getitem__


def families_of(results: ComplianceResults, load_findings: LoadFindings) -> list[Family]:
    """Every family of the snapshot, without a limit of the detail series."""
    required = [str(rule.rule_id) for rule in POLICY.rules]
    detail = detail_of(results.summary, required, load_findings, None)
    info = SnapshotInfo(NOON, NOON, "benchmark")
    return build_families(ScanResult(results.summary, results.statuses, detail, info, Thresholds()))


def _account(number: int, rows: int, *, missing_all: bool) -> AccountInventory:
    account_id = f"{100_000_000_000 + number}"
    sizes = [
        max(0, min(_ROWS_PER_REGION, rows - at * _ROWS_PER_REGION)) for at in range(len(_REGIONS))
    ]
    region = np.repeat(np.arange(len(_REGIONS), dtype=np.int32), sizes)
    serial = np.arange(rows)
    types = (serial * 7 % len(_TYPES)).astype(np.int32)
    table = pa.table(
        {
            "region": pa.DictionaryArray.from_arrays(pa.array(region), pa.array(_REGIONS)),
            "arn": _arns(account_id, region, types, serial),
            "resource_type": pa.DictionaryArray.from_arrays(pa.array(types), pa.array(_TYPES)),
            "tags": _tags(serial, missing_all=missing_all),
            "source": pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(rows, dtype=np.int32)), pa.array([str(Source.TAGGING)])
            ),
        },
        schema=RESOURCE_SCHEMA,
    )
    status = AccountReadStatus(
        AccountId(account_id),
        AccountName(f"team-{number}"),
        started_at=NOON,
        seconds=1.0,
        regions=tuple(map(_region, _REGIONS, sizes)),
        calls=1 + sum(-(-size // 100) for size in sizes),
        last_success_at=NOON,
    )
    return AccountInventory(status, table)


def _region(name: str, size: int) -> RegionReadStatus:
    source = ReadStatus(
        Source.TAGGING,
        Reason.OK,
        returned=size,
        calls=-(-size // 100),
        seconds=1.0,
        last_success_at=NOON,
    )
    return RegionReadStatus(RegionName(name), (source,))


def _arns(
    account_id: str, region: np.ndarray, types: np.ndarray, serial: np.ndarray
) -> pa.StringArray:
    services = pa.array([type_.split(":")[0] for type_ in _TYPES]).take(pa.array(types))
    kinds = pa.array([type_.split(":")[1] for type_ in _TYPES]).take(pa.array(types))
    digits = pc.utf8_lpad(pa.array(serial).cast(pa.string()), 12, padding="0")
    return pc.binary_join_element_wise(
        *("arn:aws:", services, ":", pa.array(_REGIONS).take(pa.array(region))),
        *(f":{account_id}:", kinds, "/orders-service-", digits, ""),
    )


def _tags(serial: np.ndarray, *, missing_all: bool) -> pa.MapArray:
    """Each resource has a name and all, two or none of its required tags."""
    lacking = np.full(len(serial), missing_all) | (serial % _OF < _LACKING)
    first = len(POLICY.required_tags) if missing_all else 2
    keep = np.ones((len(serial), len(_KEYS)), dtype=bool)
    keep[lacking, :first] = False
    keys = np.broadcast_to(np.arange(len(_KEYS), dtype=np.int32), keep.shape)[keep]
    offsets = np.concatenate([[0], np.cumsum(keep.sum(axis=1))]).astype(np.int32)
    names = pa.array(_KEYS).take(pa.array(keys))
    values = pa.array([f"value-of-{key}" for key in _KEYS]).take(pa.array(keys))
    return pa.MapArray.from_arrays(pa.array(offsets), names, values)
