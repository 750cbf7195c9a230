"""Measures complete scans: `tag-compliance scan` and the baseline, as processes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks.cases import DEFAULT_CASES, ScanCase
from benchmarks.fake import fake_aws, write_configuration
from benchmarks.process import (
    MB,
    CommandFailed,
    Medians,
    Usage,
    measure,
    medians,
    module,
    program,
    read_json,
)
from benchmarks.report import Report, Table

# The CPU time of one page with boto3 but without its parser.
CPU_SECONDS_PER_PAGE = 0.0023

Run = Callable[[int], Usage]


def scan(case: ScanCase, rounds: int) -> Report:
    """Runs the programs in turn, several times, so that other load affects all of them."""
    report = Report(f"scan {case.name}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        plain = stack.enter_context(fake_aws(case, folder))
        runs: dict[str, Run] = {}
        if case.baseline:
            runs["baseline"] = _baseline(case, folder, plain)
        runs["tag-compliance"] = _ours(case, folder, plain)
        if case.tls:
            encrypted = stack.enter_context(fake_aws(case, folder, tls=True))
            runs["tag-compliance, TLS"] = _ours(case, folder, encrypted)
        used: dict[str, list[Usage]] = {name: [] for name in runs}
        for number in range(rounds):
            for name, run in runs.items():
                used[name].append(run(number))
        if case.baseline:
            samples = _compare(folder / "baseline.txt", folder / "tag-compliance.txt")
            report.records["equal_samples"] = samples
    found = {name: medians(usages) for name, usages in used.items()}
    report.records |= {
        "case": asdict(case),
        "medians": {name: asdict(median) for name, median in found.items()},
        "runs": {name: [asdict(usage) for usage in usages] for name, usages in used.items()},
    }
    report.tables.append(_table(case, found))
    if case in map(ScanCase.parse, DEFAULT_CASES):
        _add_targets(case, found, report)
    return report


def _baseline(case: ScanCase, folder: Path, environment: dict[str, str]) -> Run:
    config = write_configuration(case, folder / "baseline")
    command = module("baseline", "--config", str(config))
    output = folder / "baseline.txt"
    return lambda _: measure(command, environment, output)


def _ours(case: ScanCase, folder: Path, environment: dict[str, str]) -> Run:
    def run(number: int) -> Usage:
        # A new folder for each run: no run finds the tables of an earlier one.
        encrypted = "AWS_CA_BUNDLE" in environment
        place = folder / f"{'tls' if encrypted else 'plain'}-{number}"
        config = write_configuration(case, place)
        output = folder / "tag-compliance.txt"
        command = program("scan", "--config", str(config), "--log-level", "warning")
        stderr = place / "stderr.txt"
        try:
            return measure(command, environment, output, stderr=stderr)
        except CommandFailed as failed:
            raise CommandFailed(f"{failed}: {stderr.read_text()[-2000:]}") from failed

    return run


def _compare(theirs: Path, ours: Path) -> int:
    """Checks that both programs published the same samples; returns their number."""
    found = read_json(module("compare", str(theirs), str(ours)))
    if found["differ"] or not found["samples"]:
        raise CommandFailed(f"the two programs published different samples: {found}")
    return int(found["samples"])


def _table(case: ScanCase, found: dict[str, Medians]) -> Table:
    rows = []
    for name, median in found.items():
        low, high = median.wall_spread
        rows.append(
            [
                name,
                f"{median.wall_seconds:.1f} s",
                f"{low:.1f}–{high:.1f} s",
                f"{median.cpu_seconds:.1f} s",
                f"{1000 * median.cpu_seconds / case.pages:.2f} ms",
                f"{median.peak_bytes / MB:,.0f} MB",
                str(median.runs),
            ]
        )
    columns = ("", "wall", "range", "CPU", "CPU / page", "peak memory", "runs")
    return Table(f"Scan: {case.name}, {case.total:,} resources", columns, rows)


def _add_targets(case: ScanCase, found: dict[str, Medians], report: Report) -> None:
    ours, name = found["tag-compliance"], case.name
    if case.baseline:
        theirs = found["baseline"]
        faster = theirs.wall_seconds / ours.wall_seconds
        report.records["times_faster"] = faster
        report.records["cpu_ratio"] = ours.cpu_seconds / theirs.cpu_seconds
        if case.latency:
            report.at_least(f"{name}, times faster than the baseline", faster, 15)
            report.at_most(f"{name}, CPU relative to the baseline", report.records["cpu_ratio"], 1)
        else:
            report.at_least(f"{name}, times faster than the baseline", faster, 3.5)
    if case.total >= 1_000_000:
        bound = 1.5 * case.pages * CPU_SECONDS_PER_PAGE
        report.at_most(f"{name}, wall", ours.wall_seconds, bound, " s")
        report.at_most(f"{name}, peak memory", ours.peak_bytes / MB, 1500, " MB")
    if case.tls:
        ratio = found["tag-compliance, TLS"].wall_seconds / ours.wall_seconds
        report.records["tls_ratio"] = ratio
        report.at_most(f"{name}, time over TLS relative to plain HTTP", ratio, 1.3)
