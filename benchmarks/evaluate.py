"""Measures evaluating, counting, rendering and compressing, for 10,000 to 1,000,000 resources.

python -m benchmarks.evaluate --resources 1000000    measures one size, and prints JSON
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.process import MB, module, read_json
from benchmarks.report import Report, Table

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_PHASES = ("evaluate", "merge", "families", "render", "compress")


def evaluate(sizes: Sequence[int], rounds: int) -> Report:
    """Measures each size in its own process; the sizes take turns."""
    report = Report("evaluate, count, render")
    runs: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            runs[size].append(read_json(module("evaluate", "--resources", str(size))))
    totals = {}
    rows = []
    for size, found in runs.items():
        cpu = {p: statistics.median(run["phases"][p][1] for run in found) for p in _PHASES}
        wall = statistics.median(sum(w for w, _ in run["phases"].values()) for run in found)
        totals[size] = sum(cpu.values())
        rows.append(
            [
                f"{size:,}",
                f"{found[0]['detail_series']:,}",
                *(f"{cpu[phase]:.2f} s" for phase in _PHASES),
                f"{totals[size]:.2f} s",
                f"{wall:.2f} s",
                f"{1e6 * totals[size] / size:.2f} µs",
                f"{max(run['peak_bytes'] for run in found) / MB:,.0f} MB",
            ]
        )
    columns = ("resources", "detail series", *_PHASES, "CPU", "wall", "CPU / resource", "peak")
    report.tables.append(Table("Evaluate, count, render: growth, 4 required tags", columns, rows))
    report.records = {"runs": runs}
    smallest, largest = min(sizes), max(sizes)
    if (smallest, largest) == (min(SIZES), max(SIZES)):
        report.at_most(
            "evaluate, count, render 1,000,000 resources, CPU", totals[largest], 10, " s"
        )
        growth = (totals[largest] / largest) / (totals[100_000] / 100_000)
        # For smaller sizes the constant part dominates, and the ratio would mean nothing.
        report.at_most("CPU per resource at 1,000,000, relative to 100,000", growth, 1.5)
    return report


def _measure(resources: int) -> dict[str, Any]:
    # Imported here: the process that measures must stay small, see `benchmarks.process.measure`.
    from benchmarks.organization import evaluated, families_of, inventories, merged
    from benchmarks.stopwatch import Stopwatch, peak_bytes
    from tag_compliance.snapshot.appendable_gzip import compress
    from tag_compliance.snapshot.exposition import render

    accounts = inventories(resources)
    # The first use of a library is slow; it must not count for the first size.
    evaluated(inventories(100))
    watch = Stopwatch()
    with watch.phase("evaluate"):
        evaluations = evaluated(accounts)
    with watch.phase("merge"):
        results, load_findings = merged(evaluations)
    with watch.phase("families"):
        families = families_of(results, load_findings)
    with watch.phase("render"):
        exposition = render(families)
    with watch.phase("compress"):
        compressed = compress(exposition)
    return {
        "resources": resources,
        "detail_series": next(len(f) for f in families if f.metric.name == "tag_missing_detail"),
        "exposition_bytes": len(exposition),
        "gzip_bytes": len(compressed),
        "phases": watch.phases,
        "peak_bytes": peak_bytes(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, required=True)
    print(json.dumps(_measure(parser.parse_args().resources)))


if __name__ == "__main__":
    main()
