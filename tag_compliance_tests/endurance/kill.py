"""SIGKILL at random moments of a scan, while an exporter serves and is scraped.

`python -m tag_compliance_tests.endurance.kill --kills 100` prints a report; exit code 1 if
a scrape was wrong. Each scan reads the organization in the other one of two states, so that a mix
of two snapshots equals the result of neither state.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tag_compliance_tests.endurance.scraping import Result, Scraper
from tag_compliance_tests.exporter.running import run_in_process
from tag_compliance_tests.fake_aws import FakeAws, generate_organization
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.forked import ForkServer
from tag_compliance_tests.support.process import Place, Process
from tag_compliance_tests.support.waiting import eventually

_ACCOUNTS, _REGIONS, _RESOURCES = 3, ("us-east-1", "eu-west-1"), 120
_RETAINED = 3
_RECORDED = 0.25  # the share of scans that a Dagster instance records; they take longer


@dataclass
class KillReport:
    """The result of a kill test; `faults` is empty if every promise was kept."""

    seed: int
    kills: int = 0
    kills_while_publishing: int = 0
    completed: int = 0
    scrapes: int = 0
    snapshots_seen: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows = {
            "seed": self.seed,
            "scans killed": self.kills,
            "… of them while publishing": self.kills_while_publishing,
            "scans completed": self.completed,
            "scrapes": self.scrapes,
            "snapshots seen": self.snapshots_seen,
            "seconds": round(self.seconds, 1),
            "faults": len(self.faults),
        }
        table = "\n".join(f"{name:28}{value:>10}" for name, value in rows.items())
        return "\n".join([table, *sorted(set(self.faults))])


@dataclass
class Killing:
    """A folder, two states of AWS and the results of their scans, which take `scan_seconds`."""

    place: Place
    states: tuple[FakeAws, FakeAws]
    results: tuple[Result, Result]
    scan_seconds: dict[bool, float]

    @property
    def dagster_home(self) -> Path:
        return self.place.folder / "dagster"

    def _environment(self, state: int, *, recorded: bool = False) -> dict[str, str]:
        home = str(self.dagster_home) if recorded else ""
        return {**self.states[state].environment(), "DAGSTER_HOME": home}

    @property
    def output(self) -> Path:
        return self.place.folder / "output.prom"

    def start(self, state: int, *, recorded: bool = False) -> Process:
        arguments = ("scan", "--output", str(self.output), "--log-level", "error")
        return self.place.start(*arguments, environment=self._environment(state, recorded=recorded))


@contextlib.contextmanager
def set_up(folder: Path, forks: ForkServer) -> Iterator[Killing]:
    """Scans each state without a disturbance: no other results may ever be served."""
    with contextlib.ExitStack() as stack:
        first, second = (
            stack.enter_context(
                FakeAws(
                    generate_organization(_ACCOUNTS, _REGIONS, _RESOURCES, seed), record_calls=False
                )
            )
            for seed in (1, 2)
        )
        place = Place.create(folder, first, forks, retain_snapshots=_RETAINED, calls_per_second=0.0)
        killing = Killing(place, (first, second), (frozenset(), frozenset()), {})
        results = []
        for state, recorded in ((0, True), (1, True), (0, True), (1, False)):
            started = time.monotonic()
            scan = killing.start(state, recorded=recorded)
            _, err = scan.communicate()
            assert scan.returncode == 0, err
            killing.scan_seconds[recorded] = time.monotonic() - started
            results.append(Exposition(killing.output.read_text()).contract_lines)
        killing.results = (results[0], results[1])
        assert results[2:] == results[:2]
        assert len(results[0] ^ results[1]) > 100
        yield killing


def kill_at_random(killing: Killing, kills: int, seed: int) -> KillReport:
    """Half of the kills are at any time of a scan, half while it publishes."""
    report = KillReport(seed)
    rng = random.Random(seed)
    started = time.monotonic()
    with (
        run_in_process(killing.place.state) as exporter,
        Scraper(exporter.port, killing.results, pause=0.02) as scraper,
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
                report.faults.append(f"a scan after a killed one ended with exit code {code}")
            if Exposition(killing.output.read_text()).contract_lines not in killing.results:
                report.faults.append("half an output file")
        _scan_undisturbed(killing, scraper, report)
    report.scrapes, report.snapshots_seen = scraper.scrapes, len(scraper.snapshots)
    report.faults += scraper.faults
    report.faults += [str(e) for e in exporter.log if e.get("level") in {"warning", "error"}]
    report.faults += leftovers(killing.place.state)
    report.seconds = time.monotonic() - started
    return report


def leftovers(state: Path) -> list[str]:
    """Files that must not exist after a scan that has ended normally."""
    found = [f"{path} is left" for path in state.rglob("*.unfinished")]
    snapshots = sorted((state / "snapshots").iterdir())
    for snapshot in snapshots:
        pieces = sorted(path.name for path in snapshot.iterdir())
        if pieces != ["metrics.txt", "metrics.txt.gz", "snapshot.json"]:
            found.append(f"{snapshot} is incomplete, it holds {pieces}")
    if len(snapshots) > _RETAINED:
        found.append(f"{len(snapshots)} snapshots are kept, {_RETAINED} are configured")
    return found


def _scan_undisturbed(killing: Killing, scraper: Scraper, report: KillReport) -> None:
    """The next scans succeed, and each of them is served."""
    for state in (0, 1):
        scan = killing.start(state, recorded=True)
        _, err = scan.communicate()
        if scan.returncode != 0:
            report.faults.append(f"the scan after all kills ended with {scan.returncode}: {err}")
        try:
            eventually(lambda: scraper.last == killing.results[state], 10)  # noqa: B023
        except AssertionError:
            report.faults.append("the scan after all kills is not served")


def _await_publishing(state: Path, scan: Process) -> None:
    """Until the scan writes its snapshot, or has ended."""
    snapshots = state / "snapshots"
    before = set(snapshots.iterdir())
    while not set(snapshots.iterdir()) - before and scan.poll() is None:
        time.sleep(0.001)


def main() -> int:
    parser = argparse.ArgumentParser(prog="kill", description="SIGKILL at random moments.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        ForkServer() as forks,
        set_up(Path(folder) / "place", forks) as killing,
    ):
        report = kill_at_random(killing, options.kills, options.seed)
    print(report)
    return bool(report.faults)


if __name__ == "__main__":
    sys.exit(main())
