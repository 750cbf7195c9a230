"""Measures the start: imports, `--help`, and `serve` until it is ready."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.process import (
    Medians,
    Usage,
    clean_environment,
    measure,
    medians,
    module,
    program,
    read_json,
)
from benchmarks.report import Report, Table
from benchmarks.servers import run_exporter

_IMPORTS = (
    *("dagster", "boto3", "pandas", "pyarrow", "fastapi"),
    *("tag_compliance.exporter.server", "tag_compliance.definitions"),
)


def startup(rounds: int) -> Report:
    """Runs the commands in turn; the start of Python is subtracted from each import."""
    report = Report("startup")
    commands = {
        "python": [sys.executable, "-c", "pass"],
        **{name: [sys.executable, "-c", f"import {name}"] for name in _IMPORTS},
        "--help": program("--help"),
    }
    rounds = max(5, rounds)
    runs: dict[str, list[Usage]] = {name: [] for name in commands}
    ready = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        storage = Path(folder, "state")
        read_json(module("organization_snapshot", "--series", "4000", "--storage", str(storage)))
        for _ in range(rounds):
            for name, command in commands.items():
                runs[name].append(measure(command, clean_environment()))
            with run_exporter(storage) as exporter:
                ready.append(exporter.ready_seconds)
    found = {name: medians(used) for name, used in runs.items()}
    rows = [_row(f"`import {name}`", found[name], found["python"]) for name in _IMPORTS]
    rows.append(_row("`tag-compliance --help`", found["--help"]))
    rows.append(
        ["`tag-compliance serve`, until `/ready` returns 200", _s(statistics.median(ready)), ""]
    )
    report.tables.append(Table("Start", ("", "wall", "CPU"), rows))
    report.records = {
        "wall_seconds": {name: median.wall_seconds for name, median in found.items()},
        "cpu_seconds": {name: median.cpu_seconds for name, median in found.items()},
        "serve_ready_seconds": ready,
    }
    report.at_most("`tag-compliance --help`", found["--help"].wall_seconds, 0.5, " s")
    report.at_most("`tag-compliance serve` ready", statistics.median(ready), 1.0, " s")
    return report


def _row(name: str, taken: Medians, without: Medians | None = None) -> list[str]:
    wall, cpu = taken.wall_seconds, taken.cpu_seconds
    if without:
        wall, cpu = wall - without.wall_seconds, cpu - without.cpu_seconds
    return [name, _s(wall), _s(cpu)]


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"
