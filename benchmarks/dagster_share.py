"""The cost of a Dagster run, in total and for each account, by the storage of its events.

A fake reader returns empty accounts at once, so that the run consists of Dagster and the project's
own tables. The tables are also measured without Dagster.

python -m benchmarks.dagster_share --accounts 110 --folder F    measures one run, prints JSON
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cases import ScanCase
from benchmarks.fake import write_configuration
from benchmarks.process import clean_environment, module, read_json
from benchmarks.report import Report, Table
from tag_compliance.cli.dagster_home import event_settings
from tag_compliance_tests.pipeline.postgres import is_installed, running_postgres

if TYPE_CHECKING:
    from tag_compliance.config import Config
    from tag_compliance.domain.account import Target
    from tag_compliance.domain.resources import AccountInventory

_FEW, _MANY = 10, 210
_RUNS_PER_SCAN = 2
_POSTGRES = "storage:\n  postgres:\n    postgres_url: {url}\n"
_TELEMETRY = "telemetry:\n  enabled: false\n"


def dagster_share(rounds: int) -> Report:
    report = Report("Dagster's share")
    columns = (
        *("events", "run, wall", "run, CPU", "account, wall", "account, CPU"),
        *("Dagster's part of it", "event rows"),
    )
    rows = [_evaluate(report, name, runs) for name, runs in _measure_all(report, rounds).items()]
    report.tables.append(Table("Dagster's share of a scan", columns, rows))
    return report


def _measure_all(report: Report, rounds: int) -> dict[str, dict[int, list[dict[str, Any]]]]:
    """The measured runs by storage and number of accounts."""
    with ExitStack() as stack:
        storages: dict[str, str | None] = {"in memory": None, "SQLite": _TELEMETRY}
        if is_installed():
            url = stack.enter_context(running_postgres(durable=True))
            storages["PostgreSQL"] = _TELEMETRY + _POSTGRES.format(url=url)
        else:
            report.skipped = "PostgreSQL is not installed, so it was not measured"
        runs: dict[str, dict[int, list[dict[str, Any]]]] = {
            name: {accounts: [] for accounts in (_FEW, _MANY)} for name in storages
        }
        for _ in range(rounds):
            for name, settings in storages.items():
                for accounts, measured in runs[name].items():
                    measured.append(_run(accounts, settings))
    return runs


def _evaluate(report: Report, name: str, runs: dict[int, list[dict[str, Any]]]) -> list[str]:
    """Adds the records and the target of one storage to the report; returns its table row."""
    wall, cpu, plain, events = (_line(runs, key) for key in ("wall", "cpu", "plain_cpu", "events"))
    report.records[name] = {"run": (wall[0], cpu[0]), "account": (wall[1], cpu[1]), "runs": runs}
    if events[0]:
        report.at_most(f"event rows of an account, {name}", round(events[1], 3), 2)
    return [
        name,
        f"{wall[0]:.2f} s",
        f"{cpu[0]:.2f} s",
        f"{1000 * wall[1]:.1f} ms",
        f"{1000 * cpu[1]:.1f} ms",
        f"{1000 * (cpu[1] - plain[1]):.1f} ms",
        f"{events[0]:.0f} + {events[1]:.2f} × accounts" if events[0] else "not stored",
    ]


def _line(found: dict[int, list[dict[str, Any]]], key: str) -> tuple[float, float]:
    """The cost of a run without accounts, and the additional cost of each account."""
    few, many = (statistics.median(run[key] for run in found[n]) for n in (_FEW, _MANY))
    slope = (many - few) / (_MANY - _FEW)
    return few - _FEW * slope, slope


def _run(accounts: int, settings: str | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        more = event_settings(accounts)
        if settings is not None:
            home = Path(folder, "home")
            home.mkdir()
            (home / "dagster.yaml").write_text(settings)
            more["DAGSTER_HOME"] = str(home)
        command = module("dagster_share", "--accounts", str(accounts), "--folder", folder)
        found: dict[str, Any] = read_json(command, clean_environment(**more))
        return found


def _measure(accounts: int, folder: Path) -> dict[str, Any]:
    import warnings
    from unittest import mock

    import dagster as dg

    from benchmarks.stopwatch import Stopwatch
    from tag_compliance.aws.regions import known_regions
    from tag_compliance.config import load_config
    from tag_compliance.pipeline import assets
    from tag_compliance.pipeline.resources import ProgressResource
    from tag_compliance.pipeline.run_once import run_once

    warnings.filterwarnings("ignore")
    one, many = ScanCase(1, 1, 0), ScanCase(accounts, 1, 0)
    watch = Stopwatch()
    with mock.patch.object(assets, "scan_accounts", _read_nothing):
        for case, name in ((one, "first"), (many, "run")):
            # The first run creates Dagster's tables and fills caches; it does not count.
            path = write_configuration(case, folder / name)
            config = load_config(path, os.environ, known_regions())
            with watch.phase(name):
                ended = run_once(config, path, os.environ, ProgressResource())
            if ended.snapshot is None:
                raise SystemExit(ended.failure)
    with watch.phase("plain"):
        _without_dagster(config, folder / "plain")
    events = 0
    with dg.DagsterInstance.get() if "DAGSTER_HOME" in os.environ else _no_instance() as instance:
        if instance is not None:
            runs = instance.get_runs(limit=_RUNS_PER_SCAN)
            events = sum(len(instance.all_logs(run.run_id)) for run in runs)
    return {
        "wall": watch.phases["run"][0],
        "cpu": watch.phases["run"][1],
        "plain_cpu": watch.phases["plain"][1],
        "events": events,
    }


def _read_nothing(
    _config: Config, targets: Iterable[Target], _progress: object = None
) -> Iterator[AccountInventory]:
    """Replaces `scan_accounts`: every account is read and has no resources."""
    from tag_compliance.domain.clock import utc_now
    from tag_compliance.domain.read_status import (
        AccountReadStatus,
        ReadStatus,
        Reason,
        RegionReadStatus,
        Source,
    )
    from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory

    now = utc_now()
    source = ReadStatus(Source.TAGGING, Reason.OK, last_success_at=now)
    for target in targets:
        status = AccountReadStatus(
            target.account_id,
            target.account_name,
            started_at=now,
            seconds=1.0,
            regions=tuple(RegionReadStatus(region, (source,)) for region in target.regions),
            last_success_at=now,
        )
        yield AccountInventory(status, RESOURCE_SCHEMA.empty_table())


def _without_dagster(config: Config, folder: Path) -> None:
    """The work of the assets: evaluate, write and merge tables, count and publish."""
    from tag_compliance.aws.targets import targets_of
    from tag_compliance.domain.clock import utc_now
    from tag_compliance.domain.metrics.table import SnapshotInfo
    from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
    from tag_compliance.pipeline.assets import snapshot_settings
    from tag_compliance.pipeline.merge import merge_stored
    from tag_compliance.pipeline.metadata import of_account
    from tag_compliance.pipeline.run_tags import ScanTimes
    from tag_compliance.snapshot.builder import build_contents
    from tag_compliance.snapshot.store import SnapshotStore
    from tag_compliance.storage.open import open_storage

    storage, now = open_storage(str(folder)), utc_now()
    writer = AccountWriter(config, storage, print, now, next_reading_run(storage))
    for inventory in _read_nothing(config, targets_of(config)):
        evaluation = writer.store(inventory)
        assert evaluation is not None
        of_account(evaluation)
    merged = merge_stored(config, storage, print, ScanTimes(now))
    contents = build_contents(
        merged.results,
        merged.load_findings,
        SnapshotInfo(now, utc_now(), "benchmark"),
        snapshot_settings(config),
    )
    SnapshotStore(storage).publish(contents.exposition, contents.status)


def _no_instance() -> Any:
    import contextlib

    return contextlib.nullcontext()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    print(json.dumps(_measure(arguments.accounts, arguments.folder)))


if __name__ == "__main__":
    main()
