"""Whole scans, process by process: `tag-compliance scan` and, beside it, the baseline."""

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
    answer_of,
    measure,
    medians,
    module,
    program,
)
from benchmarks.report import Report, Table

# CPU for a page by the approach that is taken here: boto3 for all but the parsing.
CPU_SECONDS_PER_PAGE = 0.0023

Contestant = Callable[[int], Usage]


def scan(case: ScanCase, rounds: int) -> Report:
    """Runs the contestants in turn, several times, so that a noisy neighbour meets all of them."""
    report = Report(f"scan {case.name}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        plain = stack.enter_context(fake_aws(case, folder))
        contestants: dict[str, Contestant] = {}
        if case.baseline:
            contestants["baseline"] = _baseline(case, folder, plain)
        contestants["tag-compliance"] = _ours(case, folder, plain)
        if case.tls:
            encrypted = stack.enter_context(fake_aws(case, folder, tls=True))
            contestants["tag-compliance, TLS"] = _ours(case, folder, encrypted)
        used: dict[str, list[Usage]] = {name: [] for name in contestants}
        for number in range(rounds):
            for name, run in contestants.items():
                used[name].append(run(number))
        if case.baseline:
            alike = _prove_alike(folder / "baseline.txt", folder / "tag-compliance.txt")
            report.records["samples_alike"] = alike
    found = {name: medians(usages) for name, usages in used.items()}
    report.records |= {
        "case": asdict(case),
        "medians": {name: asdict(median) for name, median in found.items()},
        "runs": {name: [asdict(usage) for usage in usages] for name, usages in used.items()},
    }
    report.tables.append(_table(case, found))
    if case in map(ScanCase.parse, DEFAULT_CASES):
        _judge(case, found, report)
    return report


def _baseline(case: ScanCase, folder: Path, environment: dict[str, str]) -> Contestant:
    config = write_configuration(case, folder / "baseline")
    command = module("baseline", "--config", str(config))
    output = folder / "baseline.txt"
    return lambda _: measure(command, environment, output)


def _ours(case: ScanCase, folder: Path, environment: dict[str, str]) -> Contestant:
    def run(number: int) -> Usage:
        # A folder for each run: none finds the tables of the one before.
        encrypted = "AWS_CA_BUNDLE" in environment
        place = folder / f"{'tls' if encrypted else 'plain'}-{number}"
        config = write_configuration(case, place)
        output = folder / "tag-compliance.txt"
        command = program("scan", "--config", str(config), "--log-level", "warning")
        told = place / "stderr.txt"
        try:
            return measure(command, environment, output, stderr=told)
        except CommandFailed as failed:
            raise CommandFailed(f"{failed}: {told.read_text()[-2000:]}") from failed

    return run


def _prove_alike(theirs: Path, ours: Path) -> int:
    """A comparison is one only if both have published the same samples; answers how many."""
    found = answer_of(module("alike", str(theirs), str(ours)))
    if found["differ"] or not found["samples"]:
        raise CommandFailed(f"the two have published different samples: {found}")
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
    columns = ("", "wall", "from–to", "CPU", "CPU / page", "peak memory", "runs")
    return Table(f"Scan: {case.name}, {case.total:,} resources", columns, rows)


def _judge(case: ScanCase, found: dict[str, Medians], report: Report) -> None:
    ours, name = found["tag-compliance"], case.name
    if case.baseline:
        theirs = found["baseline"]
        faster = theirs.wall_seconds / ours.wall_seconds
        report.records["times_faster"] = faster
        report.records["cpu_ratio"] = ours.cpu_seconds / theirs.cpu_seconds
        if case.latency:
            report.at_least(f"{name}, times faster than the baseline", faster, 15)
            report.at_most(f"{name}, CPU of the baseline's", report.records["cpu_ratio"], 1)
        else:
            report.at_least(f"{name}, times faster than the baseline", faster, 3.5)
    if case.total >= 1_000_000:
        bound = 1.5 * case.pages * CPU_SECONDS_PER_PAGE
        report.at_most(f"{name}, wall", ours.wall_seconds, bound, " s")
        report.at_most(f"{name}, peak memory", ours.peak_bytes / MB, 1500, " MB")
    if case.tls:
        ratio = found["tag-compliance, TLS"].wall_seconds / ours.wall_seconds
        report.records["tls_ratio"] = ratio
        report.at_most(f"{name}, time over TLS to that without", ratio, 1.3)
