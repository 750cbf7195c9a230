"""Compares rendering with prometheus_client's `generate_latest`, on the same families.

python -m benchmarks.render --resources 1000000 --rounds 3    measures, and prints JSON
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.process import module, read_json
from benchmarks.report import Report, Table


def render(resources: int, rounds: int) -> Report:
    report = Report("render")
    found = read_json(
        module("render", "--resources", str(resources), "--rounds", str(max(3, rounds)))
    )
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


def _measure(resources: int, rounds: int) -> dict[str, Any]:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    from benchmarks.organization import evaluated, families_of, inventories, merged
    from tag_compliance.snapshot.exposition import render as render_

    families = families_of(*merged(evaluated(inventories(resources))))
    registry = CollectorRegistry()
    for family in families:
        gauge = Gauge(
            family.metric.name, family.metric.help, family.metric.labels, registry=registry
        )
        columns = [[c.values[code] for code in c.codes.tolist()] for c in family.samples.labels]
        for number, value in enumerate(family.samples.values.tolist()):
            labelled = gauge.labels(*(c[number] for c in columns)) if columns else gauge
            labelled.set(value)
    ours, theirs = [], []
    for _ in range(rounds):
        seconds, ours_text = _cpu_seconds(lambda: render_(families))
        ours.append(seconds)
        seconds, theirs_text = _cpu_seconds(lambda: generate_latest(registry))
        theirs.append(seconds)
    if _parse(ours_text) != _parse(theirs_text):
        raise SystemExit("the two renderers wrote different samples")
    return {
        "ours": ours,
        "theirs": theirs,
        "samples": sum(map(len, families)),
        "detail_series": next(len(f) for f in families if f.metric.name == "tag_missing_detail"),
    }


def _cpu_seconds(render_: Callable[[], bytes]) -> tuple[float, bytes]:
    started = time.process_time()
    rendered = render_()
    return time.process_time() - started, rendered


def _parse(exposition: bytes) -> dict[bytes, float]:
    lines = (line.rsplit(b" ", 1) for line in exposition.splitlines() if not line.startswith(b"#"))
    return {_sorted_labels(series): float(value) for series, value in lines}


def _sorted_labels(series: bytes) -> bytes:
    name, _, labels = series.rstrip(b"}").partition(b"{")
    return name + b"{" + b",".join(sorted(labels.split(b",")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(json.dumps(_measure(arguments.resources, arguments.rounds)))


if __name__ == "__main__":
    main()
