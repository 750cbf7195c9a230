"""Evaluating, counting, rendering and compressing: by size, and against `generate_latest`."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.process import MB, call
from benchmarks.report import Report, Table

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_PHASES = ("evaluate", "merge", "families", "render", "compress")


def evaluate(sizes: Sequence[int], rounds: int) -> Report:
    """Measures each size in its own process; the sizes take turns."""
    report = Report("evaluate, count, render")
    runs: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            runs[size].append(call("organization.measure_phases", size))
    totals, rows = {}, []
    for size, found in runs.items():
        cpu = [statistics.median(run["phases"][phase][1] for run in found) for phase in _PHASES]
        wall = statistics.median(sum(w for w, _ in run["phases"].values()) for run in found)
        totals[size] = sum(cpu)
        rows.append(
            [
                f"{size:,}",
                f"{found[0]['detail_series']:,}",
                *(f"{seconds:.2f} s" for seconds in (*cpu, totals[size], wall)),
                f"{1e6 * totals[size] / size:.2f} µs",
                f"{max(run['peak_bytes'] for run in found) / MB:,.0f} MB",
            ]
        )
    columns = ("resources", "detail series", *_PHASES, "CPU", "wall", "CPU / resource", "peak")
    report.tables.append(Table("Evaluate, count, render: growth, 4 required tags", columns, rows))
    report.records = {"runs": runs}
    if {100_000, 1_000_000} <= totals.keys():
        what = "evaluate, count, render 1,000,000 resources, CPU"
        report.at_most(what, totals[1_000_000], 10, " s")
        # For smaller sizes the constant part dominates, and the ratio would mean nothing.
        growth = totals[1_000_000] / (10 * totals[100_000])
        report.at_most("CPU per resource at 1,000,000, relative to 100,000", growth, 1.5)
    return report


def render(resources: int, rounds: int) -> Report:
    """Compares the renderer with `generate_latest`, which must write the same samples."""
    report = Report("render")
    found = call("organization.measure_rendering", resources, max(3, rounds))
    ours, theirs = (statistics.median(found[name]) for name in ("ours", "theirs"))
    ratio = statistics.median(t / o for t, o in zip(found["theirs"], found["ours"], strict=True))
    rows = [
        ["`generate_latest`", f"{theirs:.2f} s", "1"],
        ["`snapshot.exposition.render`", f"{ours:.2f} s", f"{ratio:.1f}"],
    ]
    title = f"Rendering {found['samples']:,} samples, {found['detail_series']:,} of them detail"
    report.tables.append(Table(title, ("", "CPU", "times faster"), rows))
    report.records = found
    report.at_least("rendering, times faster than `generate_latest`", ratio, 15)
    return report
