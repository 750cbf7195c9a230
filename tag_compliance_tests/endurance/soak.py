"""`tag-compliance up` for minutes, at its fastest schedule, while calls to AWS fail at random."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tag_compliance_tests.endurance.processes import alive, descendants
from tag_compliance_tests.endurance.scraping import Result, Scraper, scraping
from tag_compliance_tests.endurance.up import Up, start_up
from tag_compliance_tests.fake_aws import (
    FakeAws,
    Fault,
    FaultPlan,
    FaultRule,
    generate_organization,
)
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS, eventually

_ACCOUNTS, _RESOURCES = 5, 250
_FASTEST_SECONDS = 10

# Faults that a retry solves, each as often as the others.
_PASSING = (
    Fault.THROTTLED,
    Fault.INTERNAL,
    Fault.HTTP_503,
    Fault.CUT_CONNECTION,
    Fault.TRUNCATED_BODY,
)

_ROLES = {
    "exporter": "tag_compliance serve",
    "code server": "code-server start",
    "its grpc server": "api grpc",
    "daemon": "dagster._daemon",
    "webserver": "pipeline.ui_server",
}
_TOLERATED_SHARE = 0.05
_TOLERATED_BYTES = 15_000_000
_TOLERATED_FILES = 8


@dataclass
class SoakReport:
    """`resident` bytes and open `files` of each process, one sample per second."""

    seed: int
    seconds: float = 0.0
    scrapes: int = 0
    snapshots: int = 0
    failed_calls: int = 0
    resident: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    faults: set[str] = field(default_factory=set)

    @property
    def grown(self) -> list[str]:
        """Processes that have more memory or files at the end than after the warm-up."""
        found = []
        for name in self.resident:
            warm, end = _warm_and_end(self.resident[name])
            if end - warm > max(_TOLERATED_SHARE * warm, _TOLERATED_BYTES):
                found.append(f"{name}: {warm / 1e6:.0f} MB, then {end / 1e6:.0f} MB")
            warm, end = _warm_and_end(self.files[name])
            if end - warm > _TOLERATED_FILES:
                found.append(f"{name}: {warm:.0f} open files, then {end:.0f}")
        return found

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}, {self.seconds:.0f} s, {len(self.faults)} faults",
            f"{self.snapshots} snapshots, {self.scrapes} scrapes, {self.failed_calls} failed calls",
            f"{'':18}{'MB warm':>10}{'MB end':>10}{'files warm':>12}{'files end':>12}",
        ]
        for name in self.resident:
            memory = (f"{value / 1e6:>10.1f}" for value in _warm_and_end(self.resident[name]))
            files = (f"{value:>12.0f}" for value in _warm_and_end(self.files[name]))
            lines.append(f"{name:18}{''.join([*memory, *files])}")
        return "\n".join([*lines, *sorted(self.faults), *self.grown])


def _warm_and_end(samples: Sequence[int]) -> tuple[float, float]:
    """Medians of the third quarter, after the warm-up, and of the last quarter."""
    quarter = max(1, len(samples) // 4)
    return median(samples[2 * quarter : 3 * quarter] or [0]), median(samples[-quarter:] or [0])


def soak(folder: Path, seconds: float, seed: int, fault_rate: float) -> SoakReport:
    """Runs everything for `seconds`; every scrape must show the result of a scan without faults."""
    report = SoakReport(seed)
    organization = generate_organization(_ACCOUNTS, REGIONS, _RESOURCES, seed)
    with FakeAws(organization, faults=FaultPlan(seed=seed), record_calls=False) as fake:
        place = Place.create(folder, fake, refresh_interval=_FASTEST_SECONDS, retain_snapshots=5)
        right = _undisturbed(place)
        rules = _add_faults(fake.faults, fault_rate)
        with start_up(place) as up:
            eventually(lambda: up.has_snapshot, 3 * DEADLINE_SECONDS)
            with scraping(up.port, [right], pause=0.2) as scraper:
                _watch(up, report, seconds)
                report.failed_calls = sum(fake.faults.injections(rule) for rule in rules)
                fake.faults.clear()
                report.faults.update(_await_calm(scraper, right))
            processes = descendants(up.process.pid)
            up.process.send_signal(signal.SIGTERM)
            try:
                if code := up.process.wait(60):
                    report.faults.add(f"SIGTERM ended it with exit code {code}")
            except subprocess.TimeoutExpired:
                report.faults.add("SIGTERM does not end it")
            report.faults |= {f"left behind: {process.command}" for process in alive(processes)}
    report.faults |= scraper.faults
    report.scrapes, report.snapshots = scraper.scrapes, len(scraper.snapshots)
    return report


def _add_faults(plan: FaultPlan, fault_rate: float) -> list[FaultRule]:
    share = fault_rate / len(_PASSING)
    # A rule applies only to calls that the rules before it have let pass.
    return [
        plan.add(fault, rate=share / (1 - number * share)) for number, fault in enumerate(_PASSING)
    ]


def _undisturbed(place: Place) -> Result:
    scanned = place.run("scan", "--log-level", "error", TAG_COMPLIANCE_STORAGE="baseline")
    assert scanned.returncode == 0, scanned.stderr
    return Exposition(scanned.stdout).contract_lines


def _watch(up: Up, report: SoakReport, seconds: float) -> None:
    started = time.monotonic()
    while (elapsed := time.monotonic() - started) < seconds:
        report.seconds = elapsed
        running = sorted(descendants(up.process.pid), key=lambda process: process.pid)
        for role, mark in _ROLES.items():
            # The lowest id is the process itself: it starts its runs later.
            process = next((process for process in running if mark in process.command), None)
            if process is None:
                report.faults.add(f"the {role} has gone")
                return
            report.resident[role].append(process.resident_bytes)
            report.files[role].append(process.open_files)
        time.sleep(1.0)


def _await_calm(scraper: Scraper, right: Result) -> Iterator[str]:
    """Waits for the snapshot of a scan without faults."""
    seen = len(scraper.snapshots)
    try:
        eventually(lambda: len(scraper.snapshots) > seen + 1, 3 * DEADLINE_SECONDS)
    except AssertionError:
        yield "no snapshot came after the faults"
    if scraper.last != right:
        yield "the last scrape is not that of a scan without faults"
