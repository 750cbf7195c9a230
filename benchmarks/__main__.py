"""`make bench`: runs the benchmarks, prints Markdown on stdout and writes JSON to a file.

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
    for name, run in _selected(options):
        loads[name] = load()
        started = time.monotonic()
        _print_progress(f"{name} … (load {loads[name]})")
        report = run()
        reports.append(report)
        _print_progress(f"{name}: {time.monotonic() - started:.0f} s")
        if options.json:
            # Written after each benchmark: a later failure loses nothing that was measured.
            results = {
                "machine": about,
                "load_before": loads,
                "reports": [asdict(report) for report in reports],
            }
            options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(tables.render(reports))


def _selected(options: argparse.Namespace) -> Iterator[tuple[str, Callable[[], Report]]]:
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


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


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
    parser.add_argument(
        "--sizes", type=_numbers, default=SIZES, help="numbers of resources to evaluate: A,B"
    )
    parser.add_argument(
        "--render-resources", type=int, default=1_000_000, help="resources to render"
    )
    parser.add_argument(
        "--series", type=int, default=500_000, help="detail series of the snapshot to scrape"
    )
    parser.add_argument(
        "--json", type=Path, metavar="F", help="write all figures to this file as JSON"
    )
    return parser


def _numbers(text: str) -> Sequence[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    main()
