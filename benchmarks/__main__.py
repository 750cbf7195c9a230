"""`make bench`: every benchmark, as Markdown on stdout and as JSON in a file.

python -m benchmarks --only scan --case 20x4x1000@0.08+baseline --rounds 3 --json bench.json
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import tables
from benchmarks.cases import DEFAULT_CASES, ScanCase
from benchmarks.dagster_share import dagster_share
from benchmarks.evaluate import SIZES, evaluate
from benchmarks.machine import load, machine
from benchmarks.render import render
from benchmarks.report import Report
from benchmarks.scan import scan
from benchmarks.scrape import scrape
from benchmarks.startup import startup

NAMES = ("startup", "evaluate", "render", "dagster", "scan", "scrape")


def main() -> None:
    options = _create_parser().parse_args()
    about = machine()
    print(_heading(about), flush=True)
    reports, loads = [], {}
    for name, run in _chosen(options):
        loads[name] = load()
        started = time.monotonic()
        _tell(f"{name} … (load {loads[name]})")
        report = run()
        reports.append(report)
        _tell(f"{name}: {time.monotonic() - started:.0f} s")
        if options.json:
            # After each: what has been measured is not lost if a later one fails.
            found = {
                "machine": about,
                "load_before": loads,
                "reports": [asdict(report) for report in reports],
            }
            options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(tables.render(reports))


def _chosen(options: argparse.Namespace) -> Iterator[tuple[str, Callable[[], Report]]]:
    rounds: int = options.rounds
    for name in options.only or NAMES:
        match name:
            case "startup":
                yield name, lambda: startup(rounds)
            case "evaluate":
                yield name, lambda: evaluate(options.sizes, rounds)
            case "render":
                yield name, lambda: render(options.render_resources, rounds)
            case "dagster":
                yield name, lambda: dagster_share(rounds)
            case "scan":
                for case in options.case or map(ScanCase.parse, DEFAULT_CASES):
                    yield f"scan {case.name}", lambda case=case: scan(case, rounds)  # type: ignore[misc]
            case "scrape":
                yield name, lambda: scrape(options.series)


def _heading(about: dict[str, object]) -> str:
    libraries = about["libraries"]
    assert isinstance(libraries, dict)
    return "\n".join(
        [
            "; ".join(
                [
                    f"{about['date']}",
                    f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB",
                    f"{about['system']}",
                    f"Python {about['python']}",
                    f"load {load()}",
                ]
            ),
            ", ".join(f"{name} {version}" for name, version in libraries.items()),
            "",
        ]
    )


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _create_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description="What the program costs.")
    parser.add_argument("--only", nargs="+", choices=NAMES, help="these benchmarks and no others")
    parser.add_argument(
        "--case",
        type=ScanCase.parse,
        action="append",
        metavar="CASE",
        help=f"a scan to measure, may be repeated; default: {', '.join(DEFAULT_CASES)}",
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contestant")
    parser.add_argument("--sizes", type=_numbers, default=SIZES, help="resources to evaluate: A,B")
    parser.add_argument("--render-resources", type=int, default=1_000_000)
    parser.add_argument("--series", type=int, default=500_000, help="detail series to scrape")
    parser.add_argument("--json", type=Path, metavar="F", help="write the figures to this file")
    return parser


def _numbers(text: str) -> Sequence[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    main()
