"""SIGKILL at random moments of a scan, while an exporter serves and is scraped.

Every scan finds the organization in the other of two states, so that a mix of two snapshots would
be no state's result.
"""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tag_compliance_tests.endurance.consistency import faults_after_a_kill, faults_after_a_scan
from tag_compliance_tests.endurance.scraping import Result, Scraper, scraping
from tag_compliance_tests.exporter.running import run_in_process
from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.forked import ForkServer
from tag_compliance_tests.support.process import Place, Process
from tag_compliance_tests.support.waiting import eventually

_ACCOUNTS, _RESOURCES = 3, 120
_RETAINED, _RETAINED_DATABASES = 3, 2
_RECORDED = 0.25  # the share of scans that Dagster records; they take longer


@dataclass
class KillReport:
    """The result of a kill test; `faults` is empty if every promise was kept."""

    seed: int
    kills: int = 0
    kills_while_publishing: int = 0
    completed: int = 0
    scrapes: int = 0
    snapshots_seen: int = 0
    faults: set[str] = field(default_factory=set)


@dataclass
class Killing:
    """A place with two states of AWS, and the result of a scan of each."""

    place: Place
    states: tuple[FakeAws, FakeAws]
    results: tuple[Result, Result] = (frozenset(), frozenset())
    scan_seconds: dict[bool, float] = field(default_factory=dict)

    def start(self, state: int, *, recorded: bool = False) -> Process:
        home = str(self.place.folder / "dagster") if recorded else ""
        environment = {**self.states[state].environment(), "DAGSTER_HOME": home}
        arguments = ("scan", "--output", "output.prom", "--log-level", "error")
        return self.place.start(*arguments, environment=environment)

    def scan(self, state: int, *, recorded: bool = False) -> Result:
        """The output of a scan that succeeds."""
        scan = self.start(state, recorded=recorded)
        _, err = scan.communicate()
        assert scan.returncode == 0, err
        return self.output()

    def output(self) -> Result:
        return Exposition((self.place.folder / "output.prom").read_text()).contract_lines


@contextlib.contextmanager
def set_up(folder: Path, forks: ForkServer) -> Iterator[Killing]:
    """Scans each state undisturbed: a scrape may show only these two results."""
    organizations = (generate_organization(_ACCOUNTS, REGIONS, _RESOURCES, seed) for seed in (1, 2))
    first, second = (FakeAws(organization, record_calls=False) for organization in organizations)
    with first, second:
        place = Place.create(folder, first, forks, retain_snapshots=_RETAINED, calls_per_second=0.0)
        killing = Killing(place, (first, second))
        results = []
        for state, recorded in ((0, True), (1, True), (0, True), (1, False)):
            started = time.monotonic()
            results.append(killing.scan(state, recorded=recorded))
            killing.scan_seconds[recorded] = time.monotonic() - started
        killing.results = (results[0], results[1])
        assert results[2:] == results[:2]
        assert len(results[0] ^ results[1]) > 100
        yield killing


def kill_at_random(killing: Killing, kills: int, seed: int) -> KillReport:
    """Half of the kills are at any moment of a scan, half while it publishes."""
    report = KillReport(seed)
    rng = random.Random(seed)
    with (
        run_in_process(killing.place.state) as exporter,
        scraping(exporter.port, killing.results) as scraper,
    ):
        eventually(lambda: scraper.scrapes)
        state = 0
        while report.kills < kills:
            state = 1 - state
            publishing, recorded = rng.random() < 0.5, rng.random() < _RECORDED
            scan = killing.start(state, recorded=recorded)
            if publishing:
                _await_publishing(killing.place.state, scan)
                time.sleep(rng.uniform(0, 0.06))
            else:
                time.sleep(rng.uniform(0, 1.1 * killing.scan_seconds[recorded]))
            scan.kill()
            scan.communicate()
            code = scan.returncode
            killed = code == -signal.SIGKILL
            report.kills += killed
            report.kills_while_publishing += killed and publishing
            report.completed += code == 0
            if not killed and code != 0:
                report.faults.add(f"a scan after a killed one ended with exit code {code}")
            if killing.output() not in killing.results:
                report.faults.add("half an output file")
            report.faults |= faults_after_a_kill(killing.place.state)
        for state in (0, 1):
            killing.scan(state, recorded=True)
            _await_result(scraper, killing.results[state])
            report.faults |= faults_after_a_scan(killing.place.state)
    report.scrapes, report.snapshots_seen = scraper.scrapes, len(scraper.snapshots)
    report.faults |= scraper.faults
    report.faults |= {str(e) for e in exporter.log if e.get("level") in {"warning", "error"}}
    report.faults |= leftovers(killing.place.state)
    return report


def leftovers(state: Path) -> set[str]:
    """What must not be in the storage after a complete scan."""
    found = {f"{path} is left" for path in state.rglob("*.unfinished")}
    snapshots = sorted((state / "snapshots").iterdir())
    for number, snapshot in enumerate(reversed(snapshots)):
        pieces = sorted(path.name for path in snapshot.iterdir())
        database = ["findings.sqlite"] if number < _RETAINED_DATABASES else []
        if pieces != [*database, "metrics.txt", "metrics.txt.gz", "snapshot.json"]:
            found.add(f"{snapshot} is incomplete, it has {pieces}")
    if len(snapshots) > _RETAINED:
        found.add(f"{len(snapshots)} snapshots are kept, {_RETAINED} are configured")
    return found


def _await_result(scraper: Scraper, result: Result) -> None:
    eventually(lambda: scraper.last == result, explain=lambda: "a result that is not served")


def _await_publishing(state: Path, scan: Process) -> None:
    """Returns when the scan writes its snapshot or has ended."""
    snapshots = state / "snapshots"
    before = set(snapshots.iterdir())
    while not set(snapshots.iterdir()) - before and scan.poll() is None:
        time.sleep(0.001)
