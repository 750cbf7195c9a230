"""Stores a scan of any size as reading runs do, and measures the steps of the publishing run.

The functions for `process.call` return JSON values.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.cases import REGIONS
from benchmarks.organization import account
from tag_compliance import __version__
from tag_compliance.aws.regions import known_regions
from tag_compliance.config import Config, load_config
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.metrics.table import SnapshotInfo
from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
from tag_compliance.pipeline.assets import snapshot_settings
from tag_compliance.pipeline.findings_database import FindingsDatabase
from tag_compliance.pipeline.history import update_history
from tag_compliance.pipeline.merge import merge_current
from tag_compliance.pipeline.scan_times import ScanTimes
from tag_compliance.pipeline.stored_findings import StoredFindings
from tag_compliance.pipeline.stored_scan import CONFIG, store_scan_times
from tag_compliance.snapshot.builder import build_contents
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.open import open_storage
from tag_compliance_tests.domain.organizations import table_of
from tag_compliance_tests.support.config import write_config

_REQUIRED = ("Owner", "Environment", "CostCenter", "Project")
_TYPES = ("ec2:instance", "ec2:volume", "lambda:function", "sqs:queue", "s3:bucket")
_USED = REGIONS[:5]
_CHANGED_ONE_OF = 100
"""Of the resources, between two scans."""

_T = TypeVar("_T")


def store(folder: str, accounts: int, resources: int, lacking: int, scan: int = 0) -> None:
    """Each account has so many resources in five regions.

    In turn they lack `lacking` and one less of four required tags. In another `scan` one resource
    in a hundred has other tags.
    """
    config = _configuration(Path(folder), accounts)
    storage = open_storage(config.storage)
    storage.write(CONFIG, config.model_dump_json(by_alias=True).encode())
    started_at = utc_now()
    times = ScanTimes(started_at)
    store_scan_times(storage, times)
    writer = AccountWriter(config, storage, print, started_at, next_reading_run(storage))
    per_region = resources // len(_USED)
    table = table_of(
        (region, _row(at * per_region + number, region, lacking, scan))
        for at, region in enumerate(_USED)
        for number in range(per_region)
    )
    for number in range(accounts):
        read = account(number, table, dict.fromkeys(_USED, per_region))
        moment = utc_now()
        regions = tuple(
            replace(r, sources=tuple(replace(s, last_success_at=moment) for s in r.sources))
            for r in read.status.regions
        )
        status = replace(read.status, started_at=moment, regions=regions, last_success_at=moment)
        assert writer.store(replace(read, status=status)) is not None


def publish(folder: str, *, history: bool = True, database: bool = True) -> dict[str, Any]:
    """Publishes what is stored as the pipeline does, without Dagster: CPU seconds by step."""
    config = load_config(Path(folder, "config.yaml"), os.environ, known_regions())
    storage, steps = open_storage(config.storage), dict[str, float]()

    def timed(name: str, work: Callable[[], _T]) -> _T:
        started = time.process_time()
        result = work()
        steps[name] = time.process_time() - started
        return result

    merged = timed("merge", lambda: merge_current(config, storage, print, ScanTimes(utc_now())))
    figures = None
    if history:
        figures = timed("history", lambda: update_history(merged, config, storage, print))
    info = SnapshotInfo(merged.started_at, utc_now(), __version__)
    settings = snapshot_settings(config)
    contents = timed(
        "metrics",
        lambda: build_contents(merged.results, merged.load_findings, info, settings, figures),
    )
    store_, written = SnapshotStore(storage), None
    if database:
        found = StoredFindings(config, merged, storage, print)
        written = FindingsDatabase(found, contents.status)
    timed(
        "publish and database",
        lambda: store_.publish(contents.exposition, contents.status, merged.after, written),
    )
    assert written is None or written.failure is None
    usage = resource.getrusage(resource.RUSAGE_SELF)
    findings = sum(merged.results.summary.violations_by_rule.values())
    return {"steps": steps, "findings": findings, "peak_bytes": usage.ru_maxrss * 1024}


def _configuration(folder: Path, accounts: int) -> Config:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"account_id": f"{100_000_000_000 + number}", "regions": list(_USED)}
        for number in range(accounts)
    ]
    state = str(folder / "state")
    write_config(folder, rows, REQUIRED_TAGS=list(_REQUIRED), storage=state, owner_tags=["Owner"])
    return load_config(folder / "config.yaml", os.environ, known_regions())


def _row(serial: int, region: str, lacking: int, scan: int) -> dict[str, Any]:
    type_ = _TYPES[serial % len(_TYPES)]
    service, kind = type_.split(":")
    missing = lacking - serial % 2
    if scan and serial % _CHANGED_ONE_OF == scan:
        missing = (missing + 1) % (len(_REQUIRED) + 1)
    return {
        "arn": f"arn:aws:{service}:{region}:ACCOUNT:{kind}/orders-service-{serial:09}",
        "resource_type": type_,
        "tags": {key: f"value-of-{key}-{serial % 50}" for key in (*_REQUIRED[missing:], "Name")},
    }
