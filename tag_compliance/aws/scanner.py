"""Reading many accounts at once, within a bound, each to its end whatever becomes of the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import zip_longest

import pyarrow as pa

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.pace import Pace, Tally, TokenBucket
from tag_compliance.aws.region_reader import RegionReader, RegionResources
from tag_compliance.aws.roles import role_steps
from tag_compliance.aws.side_by_side import run_side_by_side
from tag_compliance.config import Account, Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.scan import AccountScan, RegionScan, ScannedAccount
from tag_compliance.logs import get_logger

logger = get_logger(__name__)

Progress = Callable[[str, RegionScan], None]
"""Told of each region as it ends, with its account's id, on the thread that read it."""


@dataclass
class _Reading:
    """One account while it is read."""

    account: Account
    session: AccountSession
    started_at: datetime
    parts: dict[str, RegionResources] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)


def scan_accounts(
    config: Config,
    account_ids: Iterable[str],
    progress: Progress = lambda _id, _scan: None,
    *,
    most_pages: int | None = None,
) -> list[ScannedAccount]:
    """Reads every configured region of these accounts; their order is the configuration's.

    One account's failure is data in its state. Interrupted, it stops its threads and raises.
    `most_pages` ends each region after so many pages: such a scan is a look, and not to be stored.
    """
    wanted = set(account_ids)
    accounts = [account for account in config.aws_account_matrix if account.account_id in wanted]
    return _Scan(config, progress, most_pages).of(accounts)


class _Scan:
    def __init__(self, config: Config, progress: Progress, most_pages: int | None) -> None:
        self._config = config
        self._progress = progress
        self._most_pages = most_pages
        self._clients = Clients(config.max_concurrency, config.region_deadline)
        self._stopped = threading.Event()

    def of(self, accounts: list[Account]) -> list[ScannedAccount]:
        readings = [self._begin(account) for account in accounts]
        # Region by region and not account by account: the roles are assumed side by side then.
        rounds = zip_longest(*([(r, region) for region in r.account.regions] for r in readings))
        jobs = [job for round_ in rounds for job in round_ if job is not None]
        run_side_by_side(
            (partial(self._read, *job) for job in jobs), self._config.max_concurrency, self._stopped
        )
        return [_ended(reading) for reading in readings]

    def _begin(self, account: Account) -> _Reading:
        steps = role_steps(self._config, account)
        session = AccountSession(self._clients, account, steps, self._pace)
        return _Reading(account, session, utc_now())

    def _pace(self, tally: Tally, rate: float = 0.0) -> Pace:
        bucket = TokenBucket(rate, sleep=self._sleep)
        return Pace(
            bucket,
            float(self._config.region_deadline),
            tally,
            sleep=self._sleep,
            stopped=self._stopped.is_set,
        )

    def _sleep(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _read(self, reading: _Reading, region: str) -> None:
        reading.moments.append(time.monotonic())
        pace = self._pace(Tally(), self._config.calls_per_second)
        reader = RegionReader(self._clients, reading.session, region, pace, self._most_pages)
        part = reader.read()
        reading.parts[region] = part
        reading.moments.append(time.monotonic())
        self._progress(reading.account.account_id, part.state)


def _ended(reading: _Reading) -> ScannedAccount:
    parts = [reading.parts[region] for region in reading.account.regions]
    tally = Tally()
    tally += reading.session.tally
    for part in parts:
        tally += Tally(part.state.calls, part.state.retries, part.state.throttled_calls)
    scan = AccountScan(
        account_id=reading.account.account_id,
        account_name=reading.account.account_name,
        started_at=reading.started_at,
        seconds=max(reading.moments) - min(reading.moments),
        regions=tuple(part.state for part in parts),
        calls=tally.calls,
        retries=tally.retries,
        throttled_calls=tally.throttled_calls,
        last_success_at=utc_now() if all(part.state.succeeded for part in parts) else None,
    )
    _log(scan)
    table = pa.concat_tables([part.table for part in parts]).unify_dictionaries()
    return ScannedAccount(scan, table)


def _log(scan: AccountScan) -> None:
    account = logger.bind(
        account=scan.account_id,
        name=scan.account_name,
        regions=len(scan.regions),
        resources=sum(region.resources for region in scan.regions),
        calls=scan.calls,
        seconds=round(scan.seconds, 3),
    )
    if scan.succeeded:
        account.info("account read")
    else:
        account.warning("account not fully read", failures="; ".join(scan.failures))
