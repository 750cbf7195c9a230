"""Results of Resource Explorer that are used again: those in the stored inventories."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa

from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.clock import is_ahead, utc_now
from tag_compliance.domain.read_status import ReadStatus, Source
from tag_compliance.domain.resources import rows_of_readings
from tag_compliance.tables.raw_resources import RawResources


@dataclass(frozen=True, slots=True)
class ReusableResult:
    """A table of `RESOURCE_SCHEMA`, and when AWS returned it."""

    rows: pa.Table
    returned_at: datetime


@dataclass
class _Account:
    lock: threading.Lock = field(default_factory=threading.Lock)
    results: dict[RegionName, ReusableResult] | None = None


class ReusableResults:
    """The results of one source that AWS returned less than `seconds` ago for the same request.

    Each account's inventory is read once, when its first region asks; any thread may ask. An
    inventory that cannot be read has no results. A time of a wrong clock is never new.
    """

    def __init__(
        self, inventories: RawResources, source: Source, request: str, seconds: float
    ) -> None:
        self._inventories = inventories
        self._source = source
        self._request = request
        self._seconds = seconds
        self._lock = threading.Lock()
        self._accounts: dict[AccountId, _Account] = {}

    def take(
        self, account_id: AccountId, source: Source, region: RegionName
    ) -> ReusableResult | None:
        """The result of a region, which is released; None if it must be read."""
        if source is not self._source or self._seconds <= 0:
            return None
        with self._lock:
            account = self._accounts.setdefault(account_id, _Account())
        with account.lock:
            if account.results is None:
                account.results = self._load(account_id)
            return account.results.pop(region, None)

    def _load(self, account_id: AccountId) -> dict[RegionName, ReusableResult]:
        inventory = self._inventories.load(account_id)
        if inventory is None:
            return {}
        new = {
            region.region: at
            for region in inventory.status.regions
            for reading in region.sources
            if (at := self._new_since(reading)) is not None
        }
        return {
            region: ReusableResult(
                rows_of_readings(inventory.resources, [(region, self._source)]), at
            )
            for region, at in new.items()
        }

    def _new_since(self, reading: ReadStatus) -> datetime | None:
        """When AWS returned the result; None if it is not this source's or must not be reused."""
        at = reading.result_returned_at
        if (
            reading.source is not self._source
            or not reading.succeeded
            or reading.request != self._request
            or at is None
            or is_ahead(at)
        ):
            return None
        return at if utc_now() - at < timedelta(seconds=self._seconds) else None
