"""A scan of several runs with real parts: PostgreSQL, code server, daemon, a process for each run.

`test_postgres` runs it with few accounts, `benchmarks/fan_out.py` with many.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import dagster as dg

from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.pipeline.run_queries import is_publishing, is_reading
from tag_compliance.pipeline.run_tags import SCAN_TAG
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance_tests.fake_aws import FakeAws, Fault
from tag_compliance_tests.pipeline.daemons import pid_of, running_dagster, write_home
from tag_compliance_tests.pipeline.pipelines import Pipeline, of_account
from tag_compliance_tests.pipeline.postgres import running_postgres, storage_section
from tag_compliance_tests.support.exposition import Values
from tag_compliance_tests.support.waiting import eventually

_URL = "DAGSTER_POSTGRES_URL"
_SILENCE = {"TAG_COMPLIANCE_SILENCE_SECONDS": "10"}
Status = dg.DagsterRunStatus
_FoundT = TypeVar("_FoundT")


@dataclass
class LargeScans:
    """The running processes, observed through the database and the storage."""

    pipeline: Pipeline
    fake: FakeAws
    log: Path
    patience: float

    def first_snapshot(self) -> Values:
        """The samples of the first scan, which starts automatically."""
        self._eventually(self.pipeline.snapshots.load)
        return self.pipeline.samples()

    def kill_one(self, account_id: str) -> dg.DagsterRun:
        """Kills the run that reads this account, and returns it."""
        seen = self.fake.calls.count("GetResources", account_id)
        rule = self.fake.faults.add(
            Fault.HANG, operation="GetResources", account_id=account_id, times=None
        )
        self._eventually(lambda: self.fake.faults.injections(rule))
        assert self.fake.calls.count("GetResources", account_id) > seen
        run = self._eventually(lambda: self._reading(account_id))
        pid = self._eventually(lambda: pid_of(self.pipeline.instance, run.run_id))
        os.kill(pid, signal.SIGKILL)
        self.fake.faults.clear()
        return run

    def snapshot_after(self, run: dg.DagsterRun) -> ScanStatus:
        """The status of the snapshot of the scan that the run belongs to."""
        self._eventually(lambda: Status.SUCCESS in self.publications_of(run))
        return self.pipeline.current().status

    def publications_of(self, run: dg.DagsterRun) -> list[dg.DagsterRunStatus]:
        """The status of each publishing run of the scan that the run belongs to."""
        wanted = dg.RunsFilter(tags={SCAN_TAG: run.tags[SCAN_TAG]})
        runs = [r.dagster_run for r in self.pipeline.instance.get_run_records(wanted)]
        return [run.status for run in runs if is_publishing(run)]

    def _eventually(self, find: Callable[[], _FoundT | None]) -> _FoundT:
        """Queries the database less often than other waits do, because the scan uses it as well."""

        def end_of_log() -> str:
            return self.log.read_text(errors="replace")[-4_000:]

        return eventually(find, self.patience, pause=0.5, explain=end_of_log)

    def _reading(self, account_id: str) -> dg.DagsterRun | None:
        started = dg.RunsFilter(statuses=[Status.STARTED])
        for record in self.pipeline.instance.get_run_records(started):
            run = record.dagster_run
            if is_reading(run) and account_id in self.accounts_of(run):
                return run
        return None

    def accounts_of(self, run: dg.DagsterRun) -> list[str]:
        ids = self.pipeline.partitions()
        first, last = (
            ids.index(run.tags[f"dagster/asset_partition_range_{end}"]) for end in ("start", "end")
        )
        return ids[first : last + 1]


@contextlib.contextmanager
def large_scans(
    folder: Path, fake: FakeAws, runs: int, patience: float = 200.0, interval: int = 10
) -> Iterator[LargeScans]:
    """Scans every account of the fake in this number of runs, every `interval` seconds."""
    ids = [account.account_id for account in fake.organization]
    with running_postgres() as url:
        home = write_home(folder / "dagster", storage_section(_URL))
        os.environ[_URL] = url
        environment = {**os.environ, **fake.environment(), **_SILENCE}
        with dg.DagsterInstance.from_config(str(home)) as instance:
            pipeline = Pipeline(folder, instance)
            pipeline.configure(
                ids, max_accounts_per_run=-(-len(ids) // runs), refresh_interval=interval
            )
            with running_dagster(home, pipeline.config_path, environment) as log:
                yield LargeScans(pipeline, fake, log, patience)


def show(scans: LargeScans, single: Values, victim: str) -> dict[str, float]:
    """Tests every promise of a scan of several runs; returns durations in seconds."""
    began = time.monotonic()
    assert scans.first_snapshot() == single
    seconds = {"first snapshot": time.monotonic() - began}

    killed = scans.kill_one(victim)
    began = time.monotonic()
    status = scans.snapshot_after(killed)
    seconds["from the kill to the snapshot"] = time.monotonic() - began

    assert scans.pipeline.status_of(killed.run_id) is Status.FAILURE
    assert status.outcome is Outcome.PARTIAL
    failed = {a.account_id: a for a in status.accounts if not a.succeeded}
    # What the run had read before it was killed is stored and counts.
    assert victim in failed
    assert set(failed) <= set(scans.accounts_of(killed))
    reasons = {region.reason for account in failed.values() for region in account.regions}
    assert reasons == {Reason.INTERNAL}
    samples = scans.pipeline.samples()
    for account in status.accounts:
        wanted = {} if account.account_id in failed else of_account(single, account.account_id)
        assert of_account(samples, account.account_id) == wanted
    assert len(scans.publications_of(killed)) == 1
    return seconds
