"""Measures one scan of accounts that have no resources and are read at once.

So the scan consists of Dagster and the project's own tables. The tables are also measured without
Dagster.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from unittest import mock

import dagster as dg
import sqlalchemy as sa

from benchmarks.cases import ScanCase, write_configuration
from benchmarks.process import Stopwatch
from tag_compliance.aws.regions import known_regions
from tag_compliance.aws.targets import targets_of
from tag_compliance.cli.dagster_home import event_settings
from tag_compliance.config import Config, load_config
from tag_compliance.domain.account import Target
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.metrics.table import SnapshotInfo
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.pipeline import assets
from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
from tag_compliance.pipeline.merge import merge_stored
from tag_compliance.pipeline.metadata import of_account
from tag_compliance.pipeline.resources import ProgressResource
from tag_compliance.pipeline.run_once import run_once
from tag_compliance.pipeline.scan_times import ScanTimes
from tag_compliance.snapshot.builder import build_contents
from tag_compliance.snapshot.store import SnapshotStore
from tag_compliance.storage.open import open_storage
from tag_compliance_tests.pipeline.daemons import write_home
from tag_compliance_tests.pipeline.postgres import storage_section
from tag_compliance_tests.pipeline.tables import account

_URL = "DAGSTER_POSTGRES_URL"
_RUNS_PER_SCAN = 2


def measure(accounts: int, folder: str, url: str) -> dict[str, float]:
    """Seconds, event rows and stored bytes of one scan; for `benchmarks.process.call`.

    Events are kept in the PostgreSQL database at `url`, in SQLite for "sqlite", else in memory.
    """
    warnings.filterwarnings("ignore")
    os.environ |= event_settings(accounts) | {_URL: url}
    home, place = Path(folder, "home"), Path(folder, "scan")
    if url:
        write_home(home, "" if url == "sqlite" else storage_section(_URL))
        os.environ["DAGSTER_HOME"] = str(home)
    watch = Stopwatch()
    with mock.patch.object(assets, "scan_accounts", _read_nothing):
        # The first scan creates Dagster's tables and partitions and fills caches.
        for name in ("first", "run"):
            shutil.rmtree(place, ignore_errors=True)
            path = write_configuration(ScanCase(accounts, 1, 0), place)
            config = load_config(path, os.environ, known_regions())
            before = _stored_bytes(home, url)
            with watch.phase(name):
                ended = run_once(config, path, os.environ, ProgressResource())
            if ended.snapshot is None:
                raise SystemExit(ended.failure)
    stored = _stored_bytes(home, url) - before
    with watch.phase("plain"):
        _without_dagster(config, Path(folder, "plain"))
    wall, cpu = watch.phases["run"]
    return {
        "wall": wall,
        "cpu": cpu,
        "plain_cpu": watch.phases["plain"][1],
        "events": _event_rows() if url else 0,
        "stored_bytes": stored,
    }


def _read_nothing(
    _config: Config, targets: Iterable[Target], _progress: object = None
) -> Iterator[AccountInventory]:
    """Replaces `scan_accounts`: every account is read and has no resources."""
    for target in targets:
        yield account(target.account_id, *target.regions, good=0, bad=0)


def _without_dagster(config: Config, folder: Path) -> None:
    """The work of the assets: evaluate, write and merge tables, count and publish."""
    storage, now = open_storage(str(folder)), utc_now()
    writer = AccountWriter(config, storage, print, now, next_reading_run(storage))
    for inventory in _read_nothing(config, targets_of(config)):
        evaluation = writer.store(inventory)
        assert evaluation is not None
        of_account(evaluation)
    merged = merge_stored(config, storage, print, ScanTimes(now))
    info = SnapshotInfo(now, utc_now(), "benchmark")
    settings = assets.snapshot_settings(config)
    contents = build_contents(merged.results, merged.load_findings, info, settings)
    SnapshotStore(storage).publish(contents.exposition, contents.status)


def _event_rows() -> int:
    with dg.DagsterInstance.get() as instance:
        runs = instance.get_runs(limit=_RUNS_PER_SCAN)
        return sum(len(instance.all_logs(run.run_id)) for run in runs)


def _stored_bytes(home: Path, url: str) -> int:
    """The size of Dagster's storage, with its indices."""
    if not url.startswith("postgresql"):
        return sum(path.stat().st_size for path in home.rglob("*.db*"))
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        size = connection.execute(sa.text("SELECT pg_database_size('postgres')")).scalar_one()
    engine.dispose()
    return int(size)
