"""Measures the start: imports, `--help`, and `serve` until it is ready."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.process import Usage, call, clean_environment, measure, median_of, program
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
    runs: dict[str, list[Usage]] = {name: [] for name in commands}
    ready = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        storage = Path(folder, "state")
        call("organization.publish", 4000, str(storage))
        for _ in range(max(5, rounds)):
            for name, command in commands.items():
                runs[name].append(measure(command, clean_environment()))
            with run_exporter(storage) as exporter:
                ready.append(exporter.ready_seconds)
    found = {name: median_of(used) for name, used in runs.items()}
    wall = {name: median.wall_seconds for name, median in found.items()}
    cpu = {name: median.cpu_seconds for name, median in found.items()}
    rows = [
        [f"`import {name}`", _s(wall[name] - wall["python"]), _s(cpu[name] - cpu["python"])]
        for name in _IMPORTS
    ]
    rows.append(["`tag-compliance --help`", _s(wall["--help"]), _s(cpu["--help"])])
    served = statistics.median(ready)
    rows.append(["`tag-compliance serve`, until `/ready` returns 200", _s(served), ""])
    report.tables.append(Table("Start", ("", "wall", "CPU"), rows))
    report.records = {"wall_seconds": wall, "cpu_seconds": cpu, "serve_ready_seconds": ready}
    report.at_most("`tag-compliance --help`", wall["--help"], 0.5, " s")
    report.at_most("`tag-compliance serve` ready", served, 1.0, " s")
    return report


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"
