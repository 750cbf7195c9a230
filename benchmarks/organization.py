"""Generates the result of reading any number of resources, and measures what follows in memory.

The functions for `process.call` return JSON values.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from benchmarks.cases import REGIONS
from benchmarks.process import Stopwatch
from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.counts import Thresholds
from tag_compliance.domain.evaluation import Evaluation
from tag_compliance.domain.metrics import build_families
from tag_compliance.domain.metrics.detail import LoadFindings, detail_of
from tag_compliance.domain.metrics.rule_series import choose_series
from tag_compliance.domain.metrics.table import Family, ScanResult, SnapshotInfo
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.domain.summary import ComplianceResults
from tag_compliance.snapshot.appendable_gzip import compress
from tag_compliance.snapshot.builder import SnapshotContents, SnapshotSettings, build_contents
from tag_compliance.snapshot.exposition import render
from tag_compliance.snapshot.layout import PLAIN
from tag_compliance.snapshot.store import SnapshotStore, WriteDatabase
from tag_compliance.storage.open import open_storage
from tag_compliance_tests.domain.organizations import evaluated, region_read, summary_of, table_of
from tag_compliance_tests.support.exposition import Exposition

_POLICY = Policy(("Owner", "Environment", "CostCenter", "Project"), ("ecs:task",))
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_REGIONS = REGIONS[:5]
_ROWS_PER_REGION = 1_000
TYPES = (
    *("ec2:instance", "ec2:volume", "ec2:security-group", "lambda:function", "sqs:queue"),
    *("sns:topic", "logs:log-group", "elasticloadbalancing:loadbalancer", "rds:db"),
    *("dynamodb:table", "kms:key", "secretsmanager:secret", "s3:bucket"),
)
_KEYS = (*_POLICY.required_tags, "Name")
# 3 of 20 resources lack two of the four required tags: 0.3 missing tags per resource.
_LACKING, _OF = 3, 20


def inventories(resources: int, *, missing_all: bool = False) -> list[AccountInventory]:
    """Accounts with this total number of resources: five regions each, 1,000 per region.

    A resource lacks 0.3 required tags on average; with `missing_all` it lacks all four.
    """
    return inventories_with(partial(_row, missing_all=missing_all), resources)


def inventories_with(
    row: Callable[[int], dict[str, Any]], resources: int
) -> list[AccountInventory]:
    """The same, with the row of each serial number."""
    rows = table_of(
        (region_of(serial), row(serial)) for serial in range(_ROWS_PER_REGION * len(_REGIONS))
    )
    starts = range(0, resources, len(rows))
    return [_first(rows, number, resources - start) for number, start in enumerate(starts)]


def region_of(serial: int) -> str:
    return _REGIONS[serial // _ROWS_PER_REGION]


def account(number: int, table: pa.Table, returned: Mapping[str, int]) -> AccountInventory:
    """An account that was read; its rows contain ACCOUNT in place of the id.

    `returned` is how many resources AWS returned for each region.
    """
    account_id = f"{100_000_000_000 + number}"
    arns = pc.replace_substring(table["arn"], "ACCOUNT", account_id)
    table = table.set_column(1, table.schema.field("arn"), arns)
    calls = {name: max(1, -(-size // 100)) for name, size in returned.items()}
    regions = tuple(
        region_read(name, returned=size, calls=calls[name], seconds=1.0, last_success_at=NOON)
        for name, size in returned.items()
    )
    names = AccountId(account_id), AccountName(f"team-{number}")
    total = 1 + sum(calls.values())
    status = AccountReadStatus(*names, NOON, 1.0, regions, calls=total, last_success_at=NOON)
    return AccountInventory(status, table)


def merged(evaluations: list[Evaluation], policy: Policy) -> tuple[ComplianceResults, LoadFindings]:
    """The results of a scan, and the findings of each of its accounts."""
    statuses = tuple(evaluation.status for evaluation in evaluations)
    findings = {evaluation.account_id: evaluation.findings for evaluation in evaluations}
    results = ComplianceResults(statuses, summary_of(evaluations, policy))
    return results, findings.__getitem__


def families_of(results: ComplianceResults, load_findings: LoadFindings) -> list[Family]:
    """Every family of the snapshot, without a limit of the detail series."""
    detail = detail_of(results.summary, _POLICY.required_rule_ids, load_findings, None)
    info = SnapshotInfo(NOON, NOON, "benchmark")
    rules = choose_series(results.summary, _POLICY, NOON.date())
    return build_families(
        ScanResult(results.summary, results.statuses, detail, info, Thresholds(), rules)
    )


def measure_phases(resources: int) -> dict[str, Any]:
    """Wall and CPU seconds of each phase after reading."""
    accounts = inventories(resources)
    # The first use of a library is slow; it must not count for the first size.
    _evaluated(inventories(100))
    watch = Stopwatch()
    with watch.phase("evaluate"):
        evaluations = _evaluated(accounts)
    with watch.phase("merge"):
        results, load_findings = merged(evaluations, _POLICY)
    with watch.phase("families"):
        families = families_of(results, load_findings)
    with watch.phase("render"):
        exposition = render(families)
    with watch.phase("compress"):
        compress(exposition)
    return {
        "detail_series": _detail_series(families),
        "phases": watch.phases,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def measure_rendering(resources: int, rounds: int) -> dict[str, Any]:
    """CPU seconds of the renderer and of `generate_latest`, on the same families."""
    families = families_of(*merged(_evaluated(inventories(resources)), _POLICY))
    registry = CollectorRegistry()
    for family in families:
        metric = family.metric
        gauge = Gauge(metric.name, metric.help, metric.labels, registry=registry)
        columns = [[c.values[code] for code in c.codes.tolist()] for c in family.samples.labels]
        for number, value in enumerate(family.samples.values.tolist()):
            (gauge.labels(*(c[number] for c in columns)) if columns else gauge).set(value)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_cpu_seconds(lambda: render(families)))
        theirs.append(_cpu_seconds(lambda: generate_latest(registry)))
    if _values(render(families)) != _values(generate_latest(registry)):
        raise SystemExit("the two renderers wrote different samples")
    samples = sum(map(len, families))
    detail_series = _detail_series(families)
    return {"ours": ours, "theirs": theirs, "samples": samples, "detail_series": detail_series}


def publish(series: int, storage: str) -> dict[str, Any]:
    """Publishes a snapshot with this number of detail series, as the pipeline does."""
    return published(detailed_contents(series), storage)


def detailed_contents(series: int) -> SnapshotContents:
    """A snapshot with this number of detail series."""
    resources = -(-series // len(_POLICY.required_tags))
    accounts = inventories(resources, missing_all=True)
    return contents_of(accounts, _POLICY, max_detail_series=None)


def contents_of(
    accounts: list[AccountInventory], policy: Policy, max_detail_series: int | None
) -> SnapshotContents:
    """The snapshot of a scan that ended now, without the metrics about rules."""
    results, load_findings = merged([evaluated(account, policy) for account in accounts], policy)
    now = utc_now()
    settings = SnapshotSettings(
        policy.required_tags, max_detail_series, 86_400, Thresholds(), max_rule_series=0
    )
    info = SnapshotInfo(now, now, "benchmark")
    return build_contents(results, load_findings, info, settings)


def published(
    contents: SnapshotContents, storage: str, write_database: WriteDatabase | None = None
) -> dict[str, Any]:
    """Publishes the contents as the pipeline does; returns their sizes and their file."""
    store = SnapshotStore(open_storage(storage))
    snapshot_id = store.publish(contents.exposition, contents.status, write_database=write_database)
    snapshot = store.load()
    assert snapshot is not None
    return {
        "file": f"snapshots/{snapshot_id}/{PLAIN}",
        "samples": contents.status.samples,
        "detail_series": contents.detail_series,
        "plain_bytes": len(snapshot.plain),
        "gzip_bytes": len(snapshot.gzip.body),
    }


def _row(serial: int, *, missing_all: bool) -> dict[str, Any]:
    """Each resource has a name and all, two or none of its required tags."""
    type_ = TYPES[serial * 7 % len(TYPES)]
    service, kind = type_.split(":")
    region = region_of(serial)
    missing = len(_POLICY.required_tags) if missing_all else 2 * (serial % _OF < _LACKING)
    return {
        "arn": f"arn:aws:{service}:{region}:ACCOUNT:{kind}/orders-service-{serial:012}",
        "resource_type": type_,
        "tags": {key: f"value-of-{key}" for key in _KEYS[missing:]},
    }


def _first(rows: pa.Table, number: int, most: int) -> AccountInventory:
    """Account `number` with at most so many of the rows, which are ordered by region."""
    size = min(len(rows), most)
    returned = {
        name: max(0, min(_ROWS_PER_REGION, size - at * _ROWS_PER_REGION))
        for at, name in enumerate(_REGIONS)
    }
    # A copy: accounts that were read share no memory.
    return account(number, rows.take(pa.array(np.arange(size))), returned)


def _evaluated(accounts: list[AccountInventory]) -> list[Evaluation]:
    return [evaluated(account, _POLICY) for account in accounts]


def _detail_series(families: list[Family]) -> int:
    return next(len(f) for f in families if f.metric.name == "tag_missing_detail")


def _cpu_seconds(work: Callable[[], bytes]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _values(exposition: bytes) -> dict[Any, float]:
    return Exposition(exposition.decode()).values()
