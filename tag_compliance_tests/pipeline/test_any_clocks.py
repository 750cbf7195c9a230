"""Hosts whose clocks go forwards and backwards scan and publish: no number gets older.

Readings and publications overlap in any way, of all accounts or of one. AWS has one resource more
in each region after each change, so that a number shows when it was read.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tag_compliance.domain import clock
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import Outcome, Reason
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.pipeline import assets
from tag_compliance.pipeline.account_writer import AccountWriter, next_reading_run
from tag_compliance.pipeline.housekeeping import delete_leftovers
from tag_compliance.pipeline.io_manager import TableIOManager
from tag_compliance.pipeline.merge import MergedScan
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.run_tags import SCAN_TAG, scan_id, scan_times
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance_tests.domain.organizations import NOON
from tag_compliance_tests.pipeline.pipelines import Pipeline
from tag_compliance_tests.pipeline.tables import account
from tag_compliance_tests.support.aws import REGIONS

IDS = ("111111111111", "222222222222")
HOSTS = (0, 1, 2)
OFFSETS = [timedelta(seconds=s) for s in (-10800, -240, -30, -3, 0, 3, 30, 240, 10800)]

_hosts, _ids, _numbers = st.sampled_from(HOSTS), st.sampled_from(IDS), st.integers(0, 5)
_successes = st.sampled_from([True, True, True, False])


_LOG = SimpleNamespace(warning=lambda *_: None)


class _Now(datetime):
    """The time of the host on which the code runs."""

    real = NOON
    offset = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        assert tz is not None
        return cls.real + cls.offset


@dataclass
class Reading:
    """A reading run; `began_at` and the other moments count the steps of the test."""

    host: int
    began_at: int
    tags: dict[str, str]
    writer: AccountWriter = field(repr=False)
    read: dict[str, tuple[int, AccountInventory]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class StoredReading:
    account_id: str
    version: int
    succeeded: bool
    began_at: int
    stored_at: int


@dataclass
class Publication:
    host: int
    began_at: int
    first_reading_at: int
    merged: MergedScan = field(repr=False)


class AnyClocks(RuleBasedStateMachine):
    """Each rule is one step of one process."""

    of_test: list[ConfigurationResource]

    @initialize()
    def start(self) -> None:
        (self.configuration,) = self.of_test
        self.config = self.configuration.load()
        shutil.rmtree(self.config.storage, ignore_errors=True)
        self.storage = self.configuration.storage()
        self.offsets = dict.fromkeys(HOSTS, timedelta())
        self.versions = dict.fromkeys(IDS, 1)
        self.step = 0
        self.readings: list[Reading] = []
        self.stored: list[StoredReading] = []
        self.publications: list[Publication] = []
        _Now.real = NOON

    def teardown(self) -> None:
        """Whatever was before, a scan that no other overlaps publishes what it has read."""
        for _ in range(2):
            self.aws_changes()
            tagged = self._begin_scan(0, 1)
            for account_id in IDS:
                self._read(tagged, account_id, succeeds=True)
                self._store(tagged, account_id)
            self.finish(self._begin_publication(tagged, 2))
            with self._on(2):
                status = self._published()
            assert status.outcome is Outcome.COMPLETE
            assert {a.account_id: a.counts.counted for a in status.accounts} == {
                account_id: self.versions[account_id] * len(REGIONS) for account_id in IDS
            }

    @rule(seconds=st.sampled_from([1, 20, 300]), host=_hosts, offset=st.sampled_from(OFFSETS))
    def time_passes(self, seconds: int, host: int, offset: timedelta) -> None:
        _Now.real += timedelta(seconds=seconds)
        self.offsets[host] = offset

    @rule()
    def aws_changes(self) -> None:
        self.versions = {account_id: version + 1 for account_id, version in self.versions.items()}

    @rule(requested_on=_hosts, host=_hosts)
    def begin_scan(self, requested_on: int, host: int) -> None:
        self._begin_scan(requested_on, host)

    @rule(host=_hosts)
    def begin_reading_by_hand(self, host: int) -> None:
        self._begin_reading(host, {})

    @precondition(lambda self: self.readings)
    @rule(number=_numbers, account_id=_ids, succeeds=_successes)
    def read(self, number: int, account_id: str, succeeds: bool) -> None:
        self._read(self.readings[number % len(self.readings)], account_id, succeeds)

    @precondition(lambda self: any(reading.read for reading in self.readings))
    @rule(number=_numbers)
    def store(self, number: int) -> None:
        unstored = [(r, account_id) for r in self.readings for account_id in r.read]
        self._store(*unstored[number % len(unstored)])

    @precondition(lambda self: self.readings)
    @rule(number=_numbers, host=_hosts)
    def begin_publication(self, number: int, host: int) -> None:
        """The reading run has ended, so it stores nothing after this."""
        reading = self.readings.pop(number % len(self.readings))
        self.publications.append(self._begin_publication(reading, host))

    @precondition(lambda self: self.publications)
    @rule(number=_numbers)
    def finish_publication(self, number: int) -> None:
        self.finish(self.publications.pop(number % len(self.publications)))

    @contextmanager
    def _on(self, host: int) -> Iterator[None]:
        self.step += 1
        _Now.offset = self.offsets[host]
        yield

    def _begin_scan(self, requested_on: int, host: int) -> Reading:
        with self._on(requested_on):
            tags = {SCAN_TAG: scan_id(utc_now())}
        return self._begin_reading(host, tags)

    def _begin_reading(self, host: int, tags: dict[str, str]) -> Reading:
        with self._on(host):
            times = scan_times(dg.DagsterRun("scan", tags=tags))
            delete_leftovers(self.configuration)
            number = next_reading_run(self.storage)
            writer = AccountWriter(
                self.config, self.storage, _LOG.warning, times.started_at, number, times.scan
            )
            self.readings.append(Reading(host, self.step, tags, writer))
        return self.readings[-1]

    def _read(self, reading: Reading, account_id: str, succeeds: bool) -> None:
        with self._on(reading.host):
            version = self.versions[account_id]
            reason = Reason.OK if succeeds else Reason.TIMEOUT
            read = account(account_id, *REGIONS, good=version, bad=0, reason=reason, at=utc_now())
            reading.read[account_id] = version, read

    def _store(self, reading: Reading, account_id: str) -> None:
        with self._on(reading.host):
            version, read = reading.read.pop(account_id)
            seconds = max(0.0, (utc_now() - read.status.started_at).total_seconds())
            read = replace(read, status=replace(read.status, seconds=seconds))
            if reading.writer.store(read) is not None:
                stored = StoredReading(
                    account_id, version, read.status.succeeded, reading.began_at, self.step
                )
                self.stored.append(stored)

    def _begin_publication(self, reading: Reading, host: int) -> Publication:
        """The asset `compliance_results`."""
        with self._on(host):
            run = dg.DagsterRun("publish", tags=reading.tags)
            context = SimpleNamespace(run=run, run_id=run.run_id, log=_LOG)
            compute: Any = assets.compliance_results.op.compute_fn
            merged = compute.decorated_fn(context, self.config, self.configuration, None).value
            manager: Any = TableIOManager(configuration=self.configuration)
            manager.handle_output(context, merged)
            return Publication(host, self.step, reading.began_at, merged)

    def finish(self, publication: Publication) -> None:
        """The asset `metric_snapshot`."""
        with self._on(publication.host):
            context = SimpleNamespace(log=_LOG)
            merged, configuration = publication.merged, self.configuration
            track: Any = assets.violation_history.op.compute_fn
            history = track.decorated_fn(context, self.config, merged, configuration, None).value
            compute: Any = assets.metric_snapshot.op.compute_fn
            compute.decorated_fn(context, self.config, merged, history, configuration, None)
            status = self._published()
            assert status.scan_started_at <= status.made_at == utc_now()
        for published in status.accounts:
            newest = self._not_replaced(published.account_id, publication.began_at)
            versions = {r.version * len(REGIONS) for r in newest if r.succeeded}
            assert published.counts.counted in versions | {0}
            is_of_scan = all(
                r.succeeded and r.began_at >= publication.first_reading_at for r in newest
            )
            if is_of_scan and any(r.stored_at < publication.began_at for r in newest):
                assert published.succeeded
                assert published.counts.counted in versions

    def _published(self) -> ScanStatus:
        snapshot = self.configuration.snapshots().load()
        assert snapshot is not None
        return snapshot.status

    def _not_replaced(self, account_id: str, before: int) -> list[StoredReading]:
        """The readings after which no other began and was stored before a publication began."""
        readings = [r for r in self.stored if r.account_id == account_id]
        return [
            reading
            for reading in readings
            if not any(
                r.succeeded and reading.stored_at < r.began_at and r.stored_at < before
                for r in readings
            )
        ]


def test_no_published_number_is_older_than_what_was_read_whatever_the_clocks_show(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.configure(IDS)
    configuration = pipeline.resource()
    configuration.setup_for_execution(dg.build_init_resource_context())
    AnyClocks.of_test = [configuration]
    monkeypatch.setattr(clock, "datetime", _Now)
    run_state_machine_as_test(
        AnyClocks,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
