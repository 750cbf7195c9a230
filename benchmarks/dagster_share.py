"""What Dagster's run costs, for the whole and for each account, by where it keeps its events.

The accounts are read by a stand-in that answers at once with no resources, so that what is left is
Dagster, and the project's own tables. What these cost without Dagster is measured beside it.

python -m benchmarks.dagster_share --accounts 110 --home FOLDER    measures one run, prints JSON
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cases import ScanCase
from benchmarks.fake import write_configuration
from benchmarks.process import answer_of, clean_environment, module
from benchmarks.report import Report, Table
from tag_compliance.cli.dagster_home import FEW_EVENTS
from tag_compliance_tests.pipeline.postgres import is_installed, running_postgres

if TYPE_CHECKING:
    from tag_compliance.config import Config
    from tag_compliance.domain.scan import ScannedAccount

_FEW, _MANY = 10, 210
_POSTGRES = "storage:\n  postgres:\n    postgres_url: {url}\n"
_TELEMETRY = "telemetry:\n  enabled: false\n"


def dagster_share(rounds: int) -> Report:
    report = Report("Dagster's share")
    with ExitStack() as stack:
        storages: dict[str, str | None] = {"in memory": None, "SQLite": _TELEMETRY}
        if is_installed():
            url = stack.enter_context(running_postgres(durable=True))
            storages["PostgreSQL"] = _TELEMETRY + _POSTGRES.format(url=url)
        else:
            report.skipped = "PostgreSQL not measured: it is not installed"
        runs: dict[str, dict[int, list[dict[str, Any]]]] = {
            name: {accounts: [] for accounts in (_FEW, _MANY)} for name in storages
        }
        for _ in range(rounds):
            for name, settings in storages.items():
                for accounts, measured in runs[name].items():
                    measured.append(_run(accounts, settings))
    rows = []
    for name, found in runs.items():
        wall, cpu, plain = (_line(found, key) for key in ("wall", "cpu", "plain_cpu"))
        events = _line(found, "events")
        rows.append(
            [
                name,
                f"{wall[0]:.2f} s",
                f"{cpu[0]:.2f} s",
                f"{1000 * wall[1]:.1f} ms",
                f"{1000 * cpu[1]:.1f} ms",
                f"{1000 * (cpu[1] - plain[1]):.1f} ms",
                f"{events[0]:.0f} + {events[1]:.2f} × accounts" if events[0] else "none kept",
            ]
        )
        report.records[name] = {
            "run": (wall[0], cpu[0]),
            "account": (wall[1], cpu[1]),
            "runs": found,
        }
        if events[0]:
            report.at_most(f"event rows for an account, {name}", round(events[1], 3), 1)
    columns = (
        *("events", "run, wall", "run, CPU", "account, wall", "account, CPU"),
        *("of it Dagster's", "event rows"),
    )
    report.tables.append(Table("Dagster's share of a scan", columns, rows))
    return report


def _line(found: dict[int, list[dict[str, Any]]], key: str) -> tuple[float, float]:
    """What the run costs without accounts, and what each account adds."""
    few, many = (statistics.median(run[key] for run in found[n]) for n in (_FEW, _MANY))
    slope = (many - few) / (_MANY - _FEW)
    return few - _FEW * slope, slope


def _run(accounts: int, settings: str | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        more = dict(FEW_EVENTS)
        if settings is not None:
            home = Path(folder, "home")
            home.mkdir()
            (home / "dagster.yaml").write_text(settings)
            more["DAGSTER_HOME"] = str(home)
        command = module("dagster_share", "--accounts", str(accounts), "--folder", folder)
        found: dict[str, Any] = answer_of(command, clean_environment(**more))
        return found


def _measure(accounts: int, folder: Path) -> dict[str, Any]:
    import warnings
    from unittest import mock

    import dagster as dg

    from benchmarks.stopwatch import Stopwatch
    from tag_compliance.aws.regions import known_regions
    from tag_compliance.config import load_config
    from tag_compliance.pipeline import assets
    from tag_compliance.pipeline.launch import run_scan
    from tag_compliance.pipeline.resources import ProgressResource

    warnings.filterwarnings("ignore")
    one, many = ScanCase(1, 1, 0), ScanCase(accounts, 1, 0)
    watch = Stopwatch()
    with mock.patch.object(assets, "scan_accounts", _read_nothing):
        for case, name in ((one, "first"), (many, "run")):
            # The first creates Dagster's tables, and whatever else only a first run does.
            path = write_configuration(case, folder / name)
            config = load_config(path, os.environ, known_regions())
            with watch.phase(name):
                ended = run_scan(config, path, ProgressResource())
            if not ended.succeeded:
                raise SystemExit(ended.failure)
    with watch.phase("plain"):
        _without_dagster(config, folder / "plain")
    events = 0
    with dg.DagsterInstance.get() if "DAGSTER_HOME" in os.environ else _none() as instance:
        if instance is not None:
            events = len(instance.all_logs(ended.run_id))
    return {
        "wall": watch.phases["run"][0],
        "cpu": watch.phases["run"][1],
        "plain_cpu": watch.phases["plain"][1],
        "events": events,
    }


def _read_nothing(
    config: Config, account_ids: Iterable[str], _progress: object = None
) -> list[ScannedAccount]:
    """In the place of `scan_accounts`: each account read, and empty."""
    from tag_compliance.domain.clock import utc_now
    from tag_compliance.domain.scan import (
        RESOURCE_SCHEMA,
        AccountScan,
        Reason,
        RegionScan,
        ScannedAccount,
    )

    wanted, now = set(account_ids), utc_now()
    return [
        ScannedAccount(
            AccountScan(
                account.account_id,
                account.account_name,
                now,
                1.0,
                tuple(
                    RegionScan(region, Reason.OK, last_success_at=now) for region in account.regions
                ),
                last_success_at=now,
            ),
            RESOURCE_SCHEMA.empty_table(),
        )
        for account in config.aws_account_matrix
        if account.account_id in wanted
    ]


def _without_dagster(config: Config, folder: Path) -> None:
    """What the assets do beside Dagster: tables written and read, judged, counted, published."""
    from tag_compliance.domain.clock import utc_now
    from tag_compliance.domain.evaluation import evaluate
    from tag_compliance.domain.families import Occasion
    from tag_compliance.domain.policy import Policy
    from tag_compliance.pipeline.io import keep_account, load_accounts
    from tag_compliance.pipeline.metadata import of_account
    from tag_compliance.snapshot.contents import build_contents
    from tag_compliance.snapshot.store import SnapshotStore
    from tag_compliance.storage.open import open_storage

    storage = open_storage(str(folder))
    policy = Policy(config.required_tags, config.excluded_resource_types)
    ids = [account.account_id for account in config.aws_account_matrix]
    for account in _read_nothing(config, ids):
        of_account(evaluate([account], policy))
        keep_account(storage, account)
    results = evaluate(load_accounts(storage, ids).values(), policy)
    now = utc_now()
    contents = build_contents(
        results, Occasion(now, now, "benchmark"), max_detail_series=0, refresh_interval=300
    )
    SnapshotStore(storage).publish(contents.exposition, contents.status)


def _none() -> Any:
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
