"""Measures complete scans: `tag-compliance scan` and the baseline, as processes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks.cases import DEFAULT_CASES, ScanCase, fake_aws, write_configuration
from benchmarks.process import MB, Usage, call, measure, median_of, program
from benchmarks.report import Report, Table

# The CPU time of one page with boto3 but without its parser.
CPU_SECONDS_PER_PAGE = 0.0023

_FIRST, _REUSED = "with never-tagged resources", "reusing never-tagged resources"

Run = Callable[[int], Usage]


def scan(case: ScanCase, rounds: int) -> Report:
    """Runs the programs in turn, several times, so that other load affects all of them."""
    report = Report(f"scan {case.name}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        plain = stack.enter_context(fake_aws(case, folder))
        baseline, ours = folder / "baseline.txt", folder / "tag-compliance.txt"
        runs: dict[str, Run] = {}
        if case.baseline:
            config = write_configuration(case, folder / "baseline")
            command = [sys.executable, "-m", "benchmarks.baseline", "--config", str(config)]
            runs["baseline"] = lambda _: measure(command, plain, baseline)
        runs["tag-compliance"] = _scanning(case, folder / "plain", plain, ours)
        if case.explorer:
            first, reused = (_scanning(case, folder / "explorer", plain, ours, "report"),) * 2
            runs |= {_FIRST: first, _REUSED: reused}
        if case.tls:
            encrypted = stack.enter_context(fake_aws(case, folder, tls=True))
            runs["tag-compliance, TLS"] = _scanning(case, folder / "tls", encrypted, ours)
        used: dict[str, list[Usage]] = {name: [] for name in runs}
        for number in range(rounds):
            for name, run in runs.items():
                used[name].append(run(number))
        if case.baseline:
            report.records["equal_samples"] = call("scan.compare", str(baseline), str(ours))
    found = {name: median_of(usages) for name, usages in used.items()}
    report.records |= {
        "case": asdict(case),
        "medians": {name: asdict(median) for name, median in found.items()},
        "runs": {name: [asdict(usage) for usage in usages] for name, usages in used.items()},
    }
    rows = [_row(case, name, used[name]) for name in used]
    columns = ("", "wall", "range", "CPU", "CPU per page", "peak memory")
    report.tables.append(Table(f"Scan of {case.name}", columns, rows))
    if case in map(ScanCase.parse, DEFAULT_CASES):
        _add_targets(case, found, report)
    return report


def compare(*expositions: str) -> int:
    """The number of samples of the contract metrics; raises if the two files differ in them."""
    # Imported here: the process that measures must stay small.
    from tag_compliance_tests.support.exposition import CONTRACT, Exposition

    ours, theirs = (
        Exposition(Path(name).read_text(encoding="utf-8")).values(CONTRACT) for name in expositions
    )
    if not ours or ours != theirs:
        differing = len(ours.items() ^ theirs.items())
        raise SystemExit(f"the programs differ in {differing} of {len(ours)} samples")
    return len(ours)


def _scanning(
    case: ScanCase,
    folder: Path,
    environment: dict[str, str],
    output: Path,
    never_tagged: str | None = None,
) -> Run:
    def run(number: int) -> Usage:
        # A folder for each number: no run finds the tables of another one.
        config = write_configuration(case, folder / str(number), never_tagged)
        command = program("scan", "--config", str(config), "--log-level", "warning")
        return measure(command, environment, output)

    return run


def _row(case: ScanCase, name: str, runs: list[Usage]) -> list[str]:
    median, walls = median_of(runs), [run.wall_seconds for run in runs]
    return [
        name,
        f"{median.wall_seconds:.1f} s",
        f"{min(walls):.1f}–{max(walls):.1f} s",
        f"{median.cpu_seconds:.1f} s",
        f"{1000 * median.cpu_seconds / case.pages:.2f} ms",
        f"{median.peak_bytes / MB:,.0f} MB",
    ]


def _add_targets(case: ScanCase, found: dict[str, Usage], report: Report) -> None:
    ours, name = found["tag-compliance"], case.name
    if case.baseline:
        theirs = found["baseline"]
        faster = theirs.wall_seconds / ours.wall_seconds
        report.records["times_faster"] = faster
        report.records["cpu_ratio"] = ours.cpu_seconds / theirs.cpu_seconds
        bound = 15 if case.latency else 3.5
        report.at_least(f"{name}, times faster than the baseline", faster, bound)
        if case.latency:
            report.at_most(f"{name}, CPU relative to the baseline", report.records["cpu_ratio"], 1)
    if case.explorer:
        for run, bound in ((_FIRST, 1.5), (_REUSED, 1.1)):
            ratio = found[run].wall_seconds / ours.wall_seconds
            report.at_most(f"{name}, {run}, relative to the tagging API alone", ratio, bound)
    if case.pages >= 10_000:
        bound = 1.5 * case.pages * CPU_SECONDS_PER_PAGE
        report.at_most(f"{name}, wall", ours.wall_seconds, bound, " s")
        report.at_most(f"{name}, peak memory", ours.peak_bytes / MB, 1500, " MB")
    if case.tls:
        ratio = found["tag-compliance, TLS"].wall_seconds / ours.wall_seconds
        report.records["tls_ratio"] = ratio
        report.at_most(f"{name}, time over TLS relative to plain HTTP", ratio, 1.3)
