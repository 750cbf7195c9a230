"""`make bench`: runs the benchmarks, prints Markdown on stdout and writes JSON to a file.

python -m benchmarks --only scan --case 20x4x1000@0.08+baseline --rounds 3 --json bench.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.cases import DEFAULT_CASES, ScanCase
from benchmarks.dagster_share import dagster_share
from benchmarks.discovery import discovery
from benchmarks.evaluate import SIZES, evaluate, render
from benchmarks.report import Report, markdown
from benchmarks.rules import RESOURCES, rules
from benchmarks.scan import scan
from benchmarks.scrape import scrape
from benchmarks.search import search
from benchmarks.startup import startup

NAMES = (
    *("startup", "discovery", "evaluate", "rules", "render"),
    *("dagster", "scan", "scrape", "search"),
)
_LIBRARIES = ("boto3", "dagster", "msgspec", "pyarrow", "pandas", "uvicorn", "prometheus-client")


def main() -> None:
    options = _create_parser().parse_args()
    machine = _machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()), end="\n\n", flush=True)
    reports, loads = [], {}
    for name, run in _selected(options):
        loads[name] = _load()
        started = time.monotonic()
        print(f"{name} … (load {loads[name]})", file=sys.stderr)
        reports.append(run())
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
        if options.json:
            # Written after each benchmark: a later failure loses nothing that was measured.
            records = [asdict(report) for report in reports]
            results = {"machine": machine, "load_before": loads, "reports": records}
            options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(markdown(reports))


def _selected(options: argparse.Namespace) -> Iterator[tuple[str, Callable[[], Report]]]:
    rounds: int = options.rounds
    runs: dict[str, Callable[[], Report]] = {
        "startup": lambda: startup(rounds),
        "discovery": lambda: discovery(rounds),
        "evaluate": lambda: evaluate(options.sizes, rounds),
        "rules": lambda: rules(RESOURCES, rounds),
        "render": lambda: render(options.render_resources, rounds),
        "dagster": lambda: dagster_share(rounds),
        "scrape": lambda: scrape(options.series),
        "search": lambda: search(options.series, options.findings),
    }
    for name in options.only or NAMES:
        if name == "scan":
            for case in options.case or map(ScanCase.parse, DEFAULT_CASES):
                yield f"scan {case.name}", partial(scan, case, rounds)
        else:
            yield name, runs[name]


def _machine() -> dict[str, str]:
    """What the figures depend on, by name."""
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "CPU": processor[1] if processor else platform.processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{gigabytes:.0f} GB",
        "load": _load(),
        platform.system(): platform.release(),
        "Python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
    }


def _load() -> str:
    """Load averages of 1, 5 and 15 minutes; before a benchmark they show other activity."""
    return " / ".join(f"{average:.1f}" for average in os.getloadavg())


def _create_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="Measure time, CPU and memory of the program."
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, help="run only these benchmarks")
    parser.add_argument(
        "--case",
        type=ScanCase.parse,
        action="append",
        metavar="CASE",
        help=f"a scan to measure; may be repeated; default: {', '.join(DEFAULT_CASES)}",
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each program is run")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="resources to evaluate")
    parser.add_argument("--render-resources", type=int, default=1_000_000, help="for `render`")
    parser.add_argument("--series", type=int, default=500_000, help="detail series to scrape")
    parser.add_argument("--findings", type=int, default=200_000, help="findings to search")
    parser.add_argument("--json", type=Path, metavar="F", help="file for all figures, as JSON")
    return parser


if __name__ == "__main__":
    main()
