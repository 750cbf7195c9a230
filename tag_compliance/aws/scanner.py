"""Reading many accounts concurrently; each is complete as soon as its last region is read."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pyarrow as pa

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.errors import aws_error_of
from tag_compliance.aws.retry import CallBudget, CallStats, RateLimiter
from tag_compliance.aws.roles import role_steps
from tag_compliance.aws.sources.base import ResourceSource
from tag_compliance.aws.sources.tagging_api import TaggingApi
from tag_compliance.aws.thread_pool import run_in_threads
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId, RegionName, Target
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import (
    AccountReadStatus,
    ReadStatus,
    Reason,
    RegionReadStatus,
)
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.logs import get_logger

logger = get_logger(__name__)

Progress = Callable[[AccountId, RegionReadStatus], None]
"""Called for each region that has been read, on the thread that read it."""

_ROLES_AHEAD = 8
"""Accounts whose roles are assumed before their regions are due, so that the threads that read an
account's regions do not all wait for one AssumeRole."""


@dataclass(frozen=True, slots=True)
class _RegionResult:
    status: RegionReadStatus
    resources: pa.Table


@dataclass
class _Reading:
    """One account while it is read."""

    target: Target
    session: AccountSession
    started_at: datetime
    results: dict[RegionName, _RegionResult] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    began: float = math.inf
    ended: float = 0.0

    @property
    def seconds(self) -> float:
        """Wall time from the first call for the account to the end of its last region."""
        return self.ended - self.began

    def begin(self) -> None:
        with self.lock:
            self.began = min(self.began, time.monotonic())

    def add(self, result: _RegionResult) -> bool:
        """Whether this was the account's last region."""
        with self.lock:
            self.results[result.status.region] = result
            self.ended = time.monotonic()
            return len(self.results) == len(self.target.regions)


def scan_accounts(
    config: Config,
    targets: Sequence[Target],
    progress: Progress = lambda _id, _status: None,
    *,
    max_pages: int | None = None,
) -> Iterator[AccountInventory]:
    """Reads every region of the targets; yields each account when its last region has been read.

    A failure of one account is data in its read status. When interrupted, or when the consumer
    closes the iterator, it stops its threads. `max_pages` ends each region after so many pages:
    such a scan tests whether regions can be read and must not be stored.
    """
    return _Scan(config, progress, max_pages).read(targets)


class _Scan:
    def __init__(self, config: Config, progress: Progress, max_pages: int | None) -> None:
        self._config = config
        self._progress = progress
        self._clients = Clients(config.max_concurrency, config.region_deadline)
        self._sources: tuple[ResourceSource, ...] = (TaggingApi(self._clients, max_pages),)
        self._stopped = threading.Event()

    def read(self, targets: Sequence[Target]) -> Iterator[AccountInventory]:
        readings = [self._begin(target) for target in targets]
        for inventory in run_in_threads(
            self._jobs(readings), self._config.max_concurrency, self._stopped
        ):
            _log(inventory)
            yield inventory

    def _jobs(self, readings: list[_Reading]) -> Iterable[Callable[[], AccountInventory | None]]:
        """Account by account, so that the first are complete while the last are not yet begun."""
        yield from (partial(_open, reading) for reading in readings[:_ROLES_AHEAD])
        for number, reading in enumerate(readings, _ROLES_AHEAD):
            if number < len(readings):
                yield partial(_open, readings[number])
            for region in reading.target.regions:
                yield partial(self._read_region, reading, region)

    def _begin(self, target: Target) -> _Reading:
        steps = role_steps(self._config, target)
        session = AccountSession(self._clients, target, steps, self._budget)
        return _Reading(target, session, utc_now())

    def _budget(self, stats: CallStats, rate: float = 0.0) -> CallBudget:
        return CallBudget(
            RateLimiter(rate, sleep=self._sleep),
            float(self._config.region_deadline),
            stats,
            sleep=self._sleep,
            stopped=self._stopped.is_set,
        )

    def _sleep(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _read_region(self, reading: _Reading, region: RegionName) -> AccountInventory | None:
        reading.begin()
        read = [self._read_source(reading, region, source) for source in self._sources]
        status = RegionReadStatus(region, tuple(status for status, _ in read))
        # A region that failed part-way is left out completely.
        tables = [table for _, table in read if status.succeeded]
        resources = pa.concat_tables(tables or [RESOURCE_SCHEMA.empty_table()])
        is_last = reading.add(_RegionResult(status, resources))
        self._progress(reading.target.account_id, status)
        return _inventory_of(reading) if is_last else None

    def _read_source(
        self, reading: _Reading, region: RegionName, source: ResourceSource
    ) -> tuple[ReadStatus, pa.Table]:
        """Never raises: a failure is the status's reason and message."""
        budget = self._budget(CallStats(), self._config.calls_per_second)
        reason, message, table = Reason.OK, "", RESOURCE_SCHEMA.empty_table()
        try:
            reading.session.credentials()
            table = source.read(reading.session, region, budget)
        except Exception as error:  # noqa: BLE001 - whatever it is concerns this region only
            failure = aws_error_of(source.operation, error)
            reason, message = failure.reason, " ".join(str(failure).split())
        status = ReadStatus(
            source=source.name,
            reason=reason,
            message=message,
            returned=len(table),
            calls=budget.stats.calls,
            retries=budget.stats.retries,
            throttled_calls=budget.stats.throttled_calls,
            seconds=budget.spent,
            last_success_at=utc_now() if reason is Reason.OK else None,
        )
        return status, table


def _open(reading: _Reading) -> None:
    """Assumes the account's role; a failure is remembered and raised again for each region."""
    reading.begin()
    with contextlib.suppress(Exception):
        reading.session.credentials()


def _inventory_of(reading: _Reading) -> AccountInventory:
    """Takes the results out of `reading`, which the scan holds until its end."""
    results = [reading.results.pop(region) for region in reading.target.regions]
    stats = CallStats()
    stats += reading.session.stats
    for result in results:
        for source in result.status.sources:
            stats += CallStats(source.calls, source.retries, source.throttled_calls)
    succeeded = all(result.status.succeeded for result in results)
    status = AccountReadStatus(
        account_id=reading.target.account_id,
        account_name=reading.target.account_name,
        started_at=reading.started_at,
        seconds=reading.seconds,
        regions=tuple(result.status for result in results),
        calls=stats.calls,
        retries=stats.retries,
        throttled_calls=stats.throttled_calls,
        last_success_at=utc_now() if succeeded else None,
    )
    resources = pa.concat_tables([result.resources for result in results])
    return AccountInventory(status, resources.unify_dictionaries())


def _log(inventory: AccountInventory) -> None:
    status = inventory.status
    fields = {
        "account": status.account_id,
        "name": status.account_name,
        "regions": len(status.regions),
        "resources": status.returned,
        "calls": status.calls,
        "seconds": round(status.seconds, 3),
    }
    if status.succeeded:
        logger.info("account read", **fields)
    else:
        logger.warning("account not fully read", **fields, failures="; ".join(status.failures))
