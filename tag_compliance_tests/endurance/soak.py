"""Runs `tag-compliance up` for minutes, at its shortest interval; calls to AWS fail at random.

`python -m tag_compliance_tests.endurance.soak --minutes 10` prints the memory and open files of
the processes at the start and at the end; exit code 1 if a scrape was wrong or something grew.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tag_compliance_tests.endurance.processes import alive, descendants
from tag_compliance_tests.endurance.scraping import Result, Scraper
from tag_compliance_tests.endurance.up import Up, start_up
from tag_compliance_tests.fake_aws import (
    FakeAws,
    Fault,
    FaultPlan,
    FaultRule,
    generate_organization,
)
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.process import Place
from tag_compliance_tests.support.waiting import eventually

_ACCOUNTS, _REGIONS, _RESOURCES = 5, ("us-east-1", "eu-west-1"), 250
_FASTEST_SECONDS = 10

# Faults that do not recur when the call is repeated; all are equally frequent.
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
    "webserver": "dagster_webserver",
}
_TOLERATED_SHARE = 0.05
_TOLERATED_BYTES = 15_000_000
_TOLERATED_FILES = 8


@dataclass
class Usage:
    """Of one of the processes over time: resident bytes and open files, a sample each second."""

    resident: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def early_and_late(self) -> tuple[float, float, float, float]:
        """Medians of the quarter after the warm-up (the first half), and of the last quarter."""
        quarter = max(1, len(self.resident) // 4)
        half = 2 * quarter
        return (
            median(self.resident[half : half + quarter] or [0]),
            median(self.resident[-quarter:] or [0]),
            median(self.files[half : half + quarter] or [0]),
            median(self.files[-quarter:] or [0]),
        )


@dataclass
class SoakReport:
    seed: int
    seconds: float = 0.0
    scrapes: int = 0
    snapshots: int = 0
    injected: int = 0
    usage: dict[str, Usage] = field(default_factory=lambda: defaultdict(Usage))
    faults: list[str] = field(default_factory=list)

    @property
    def grown(self) -> list[str]:
        """The processes that have grown since the end of the warm-up."""
        found = []
        for name, usage in self.usage.items():
            early, late, files_early, files_late = usage.early_and_late()
            if late - early > max(_TOLERATED_SHARE * early, _TOLERATED_BYTES):
                found.append(f"{name}: {early / 1e6:.0f} MB, then {late / 1e6:.0f} MB")
            if files_late - files_early > _TOLERATED_FILES:
                found.append(f"{name}: {files_early:.0f} open files, then {files_late:.0f}")
        return found

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}, {self.seconds:.0f} s, {len(self.faults)} faults",
            f"{self.snapshots} snapshots, {self.scrapes} scrapes, {self.injected} failed AWS calls",
            f"{'':18}{'MB warm':>10}{'MB end':>10}{'files warm':>12}{'files end':>12}",
        ]
        for name, usage in self.usage.items():
            early, late, files_early, files_late = usage.early_and_late()
            lines.append(
                f"{name:18}{early / 1e6:>10.1f}{late / 1e6:>10.1f}"
                f"{files_early:>12.0f}{files_late:>12.0f}"
            )
        return "\n".join([*lines, *sorted(set(self.faults)), *self.grown])


def soak(folder: Path, seconds: float, seed: int, fault_rate: float = 0.05) -> SoakReport:
    """Runs everything for `seconds`; every scrape must equal a scan without faults."""
    report = SoakReport(seed)
    organization = generate_organization(_ACCOUNTS, _REGIONS, _RESOURCES, seed)
    with FakeAws(organization, faults=FaultPlan(seed=seed), record_calls=False) as fake:
        place = Place.create(folder, fake, refresh_interval=_FASTEST_SECONDS, retain_snapshots=5)
        right = _undisturbed(place)
        rules = _add_faults(fake.faults, fault_rate)
        with start_up(place) as up:
            eventually(lambda: up.has_snapshot)
            with Scraper(up.port, [right], pause=0.2) as scraper:
                _watch(up, report, seconds)
                report.injected = sum(fake.faults.injections(rule) for rule in rules)
                _await_calm(fake, scraper, right, report)
            processes = descendants(up.process.pid)
            up.process.send_signal(signal.SIGTERM)
            try:
                code = up.process.wait(60)
            except subprocess.TimeoutExpired:
                report.faults.append("SIGTERM does not end it")
            else:
                if code != 0:
                    report.faults.append(f"SIGTERM ended it with exit code {code}")
            report.faults += [f"left behind: {p.command}" for p in alive(processes)]
    report.faults += scraper.faults
    report.scrapes, report.snapshots = scraper.scrapes, len(scraper.snapshots)
    return report


def _add_faults(plan: FaultPlan, fault_rate: float) -> list[FaultRule]:
    share = fault_rate / len(_PASSING)
    # A rule applies only to calls that no earlier rule has affected.
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
        running = descendants(up.process.pid)
        for role, mark in _ROLES.items():
            # The first is the process itself: its runs are forked or spawned from it later.
            mine = min((p for p in running if mark in p.command), default=None, key=_by_pid)
            if mine is None:
                report.faults.append(f"the {role} has gone")
                return
            report.usage[role].resident.append(mine.resident_bytes)
            report.usage[role].files.append(mine.open_files)
        time.sleep(1.0)


def _by_pid(process: object) -> int:
    return int(getattr(process, "pid", 0))


def _await_calm(fake: FakeAws, scraper: Scraper, right: Result, report: SoakReport) -> None:
    """Waits for a snapshot of a scan without faults."""
    fake.faults.clear()
    seen = len(scraper.snapshots)
    try:
        eventually(lambda: len(scraper.snapshots) > seen + 1)
    except AssertionError:
        report.faults.append("no snapshot came after the faults")
    if scraper.last != right:
        report.faults.append("the last scrape is not a fault-free scan's")


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description="Everything, for minutes.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--fault-rate", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "place"
        report = soak(place, 60 * options.minutes, options.seed, options.fault_rate)
        print(report)
        if report.faults:
            print((place / "up.log").read_text()[-5000:], file=sys.stderr)
    return bool(report.faults or report.grown)


if __name__ == "__main__":
    os.environ.pop("DAGSTER_HOME", None)
    sys.exit(main())
