"""The cost of a Dagster run, in total and for each account, by the storage of its events."""

from __future__ import annotations

import statistics
import tempfile
from contextlib import ExitStack

from benchmarks.process import call
from benchmarks.report import Report, Table, milliseconds
from tag_compliance_tests.pipeline.postgres import is_installed, running_postgres

_FEW, _MANY = 10, 210
_COLUMNS = (
    *("events", "run, wall", "run, CPU", "account, wall", "account, CPU"),
    *("Dagster's part of it", "event rows", "stored"),
)

Runs = dict[int, list[dict[str, float]]]


def dagster_share(rounds: int) -> Report:
    """Measures runs over few and many accounts; the storages take turns."""
    report = Report("Dagster's share")
    with ExitStack() as stack:
        urls = {"in memory": "", "SQLite": "sqlite"}
        if is_installed():
            urls["PostgreSQL"] = stack.enter_context(running_postgres(durable=True))
        else:
            report.skipped = "PostgreSQL is not installed, so it was not measured"
        found: dict[str, Runs] = {name: {_FEW: [], _MANY: []} for name in urls}
        for _ in range(rounds):
            for name, url in urls.items():
                for accounts, runs in found[name].items():
                    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                        runs.append(call("dagster_run.measure", accounts, folder, url))
    rows = [_evaluate(report, name, runs) for name, runs in found.items()]
    report.tables.append(Table("Dagster's share of a scan", _COLUMNS, rows))
    return report


def _evaluate(report: Report, name: str, runs: Runs) -> list[str]:
    """Adds the records and the target of one storage to the report; returns its table row."""
    wall, cpu, plain = (_line(runs, key) for key in ("wall", "cpu", "plain_cpu"))
    events, stored = (_line(runs, key) for key in ("events", "stored_bytes"))
    report.records[name] = {"run": (wall[0], cpu[0]), "account": (wall[1], cpu[1]), "runs": runs}
    if events[0]:
        report.at_most(f"event rows of an account, {name}", round(events[1], 3), 2)
    return [
        name,
        f"{wall[0]:.2f} s",
        f"{cpu[0]:.2f} s",
        *milliseconds((wall[1], cpu[1], cpu[1] - plain[1]), digits=1),
        f"{events[0]:.0f} + {events[1]:.2f} × accounts" if events[0] else "not stored",
        f"{stored[0] / 1e3:.0f} + {stored[1] / 1e3:.1f} × accounts, kB" if events[0] else "",
    ]


def _line(found: Runs, key: str) -> tuple[float, float]:
    """The cost of a run without accounts, and the additional cost of each account."""
    few, many = (statistics.median(run[key] for run in found[n]) for n in (_FEW, _MANY))
    slope = (many - few) / (_MANY - _FEW)
    return few - _FEW * slope, slope
