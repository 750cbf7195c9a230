"""Reading one account: its regions, from all sources, in any order and on any threads."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.errors import aws_error_of
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.base import ResourceSource
from tag_compliance.domain.account import RegionName, Target
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.read_status import (
    AccountReadStatus,
    ReadStatus,
    Reason,
    RegionReadStatus,
    Source,
)
from tag_compliance.domain.resources import RESOURCE_SCHEMA, AccountInventory
from tag_compliance.remote.time_limit import start
from tag_compliance.tables.reusable_results import ReusableResult


@dataclass(frozen=True, slots=True)
class SourceToRead:
    """A source that is read in a region; `counts` and `request` as in `ReadStatus`."""

    source: ResourceSource
    counts: bool = True
    request: str = ""


@dataclass(eq=False)
class AccountReader:
    """Reads each region of one account once.

    `sources_in` returns the sources that are read in a region. `new_budget` creates the budget of
    one source in one region, with the source's `calls_per_second`. `reusable` returns an earlier
    result that is still new enough.
    """

    target: Target
    session: AccountSession
    sources_in: Callable[[RegionName], Sequence[SourceToRead]]
    new_budget: Callable[[float], CallBudget]
    reusable: Callable[[Source, RegionName], ReusableResult | None] = lambda _source, _region: None

    def __post_init__(self) -> None:
        self._started_at = utc_now()
        self._lock = threading.Lock()
        self._results: dict[RegionName, tuple[RegionReadStatus, pa.Table]] = {}
        self._stats = [self.session.stats]
        self._opening_seconds = 0.0
        self._first_began, self._last_ended = math.inf, 0.0

    def assume_role(self) -> None:
        """Assumes the account's role. A failure is reported when a region is read."""
        began = time.monotonic()
        with contextlib.suppress(Exception):
            self.session.credentials()
        self._opening_seconds = time.monotonic() - began

    def read(self, region: RegionName) -> tuple[RegionReadStatus, AccountInventory | None]:
        """The region's status, and the account's inventory if this was its last region.

        Never raises because of AWS: a failure is a reason and a message in the status. A source is
        given up at its deadline, whatever it is doing. The reader does not keep the rows of an
        account that is complete.
        """
        began = time.monotonic()
        readings = self._read_sources(region)
        status = RegionReadStatus(region, tuple(status for status, _ in readings))
        resources = pa.concat_tables([RESOURCE_SCHEMA.empty_table(), *(t for _, t in readings)])
        with self._lock:
            self._first_began = min(self._first_began, began)
            self._last_ended = time.monotonic()
            self._results[region] = status, resources
            if len(self._results) < len(self.target.regions):
                return status, None
            return status, self._inventory()

    def _read_sources(self, region: RegionName) -> list[tuple[ReadStatus, pa.Table]]:
        """Reads the sources concurrently: each API has its own limits and latency."""
        first, *others = self.sources_in(region)
        thread = threading.current_thread().name
        started = [start(partial(self._read_source, region, source), thread) for source in others]
        return [self._read_source(region, first), *(future.result() for future in started)]

    def _read_source(
        self, region: RegionName, to_read: SourceToRead
    ) -> tuple[ReadStatus, pa.Table]:
        source = to_read.source
        budget = self.new_budget(source.calls_per_second)
        self._stats.append(budget.stats)
        reason, message, table = Reason.OK, "", RESOURCE_SCHEMA.empty_table()
        reused: ReusableResult | None = None

        def rows() -> pa.Table:
            nonlocal reused
            self.session.credentials()  # an account that cannot be read has no results
            reused = self.reusable(source.name, region)
            return reused.rows if reused else source.read(self.session, region, budget)

        try:
            table = budget.limit(source.operation, rows)
        except Exception as error:  # noqa: BLE001 - any error concerns only this region
            failure = aws_error_of(source.operation, error)
            reason, message = failure.reason, str(failure)
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
            result_at=reused.returned_at if reused else None,
            request=to_read.request,
            counts=to_read.counts,
        )
        return status, table

    def _inventory(self) -> AccountInventory:
        results = [self._results.pop(region) for region in self.target.regions]
        regions = tuple(status for status, _ in results)
        status = AccountReadStatus(
            account_id=self.target.account_id,
            account_name=self.target.account_name,
            started_at=self._started_at,
            seconds=self._opening_seconds + self._last_ended - self._first_began,
            regions=regions,
            calls=sum(stats.calls for stats in self._stats),
            retries=sum(stats.retries for stats in self._stats),
            throttled_calls=sum(stats.throttled_calls for stats in self._stats),
            last_success_at=utc_now() if all(region.succeeded for region in regions) else None,
        )
        resources = pa.concat_tables([table for _, table in results])
        return AccountInventory(status, resources.unify_dictionaries())
