"""Reading many accounts concurrently; each is complete as soon as its last region is read."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial

from tag_compliance.aws.account_reader import AccountReader, SourceToRead
from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.retry import CallBudget, CallStats
from tag_compliance.aws.sources.autoscaling import AutoScaling
from tag_compliance.aws.sources.base import ResourceSource
from tag_compliance.aws.sources.iam import Iam
from tag_compliance.aws.sources.plan import request_of, sources_in, types_without_tags
from tag_compliance.aws.sources.resource_explorer import ResourceExplorer
from tag_compliance.aws.sources.tagging_api import TaggingApi
from tag_compliance.aws.targets import role_steps
from tag_compliance.aws.thread_pool import run_in_threads
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId, RegionName, Target
from tag_compliance.domain.read_status import AccountReadStatus, RegionReadStatus, Source
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.logs import get_logger
from tag_compliance.tables.reusable_results import ReusableResult

logger = get_logger(__name__)

Progress = Callable[[AccountId, RegionReadStatus], None]
"""Called for each region that has been read, on the thread that read it."""

Reusable = Callable[[AccountId, Source, RegionName], ReusableResult | None]
"""Returns an earlier result of a source that is still new enough."""

_ROLES_AHEAD = 8
"""How many accounts ahead roles are assumed, so that the threads that read an account's regions do
not all wait for one AssumeRole."""


def scan_accounts(  # noqa: PLR0913 - all but the first two are optional
    config: Config,
    targets: Sequence[Target],
    progress: Progress = lambda _id, _status: None,
    *,
    page_read: Callable[[], None] = lambda: None,
    max_pages: int | None = None,
    reusable: Reusable = lambda _account_id, _source, _region: None,
) -> Generator[AccountInventory, None, None]:
    """Reads every region of the targets; yields each account when its last region has been read.

    Reading starts with the first `next` and continues while the consumer works, up to a few
    accounts ahead. A failure is data in the account's read status. When the consumer closes the
    generator or is interrupted, the threads stop. `page_read` is called on the reading threads for
    each page that another one follows. `max_pages` limits the pages of each region: such
    a scan tests whether regions can be read and must not be stored. `reusable` returns a result
    that is used instead of reading the source; it is called on the reading threads.
    """
    scan = _Scan(config, progress, page_read, max_pages, reusable)
    # An exception keeps the frame of this generator: without `closing`, the threads would go on.
    with contextlib.closing(scan.read(targets)) as inventories:
        for inventory in inventories:
            _log(inventory.status)
            yield inventory
            del inventory  # so that it is not kept while the next one is awaited


class _Scan:
    def __init__(
        self,
        config: Config,
        progress: Progress,
        page_read: Callable[[], None],
        max_pages: int | None,
        reusable: Reusable,
    ) -> None:
        self._config = config
        self._reusable = reusable
        self._progress = progress
        self._clients = Clients(config.max_concurrency, config.region_deadline)
        rate = config.calls_per_second
        self._sources: dict[Source, ResourceSource] = {
            Source.TAGGING: TaggingApi(self._clients, rate, max_pages, page_read),
            Source.RESOURCE_EXPLORER: ResourceExplorer(
                self._clients,
                config.resource_explorer_view,
                types_without_tags(config),
                max_pages,
                page_read,
            ),
            Source.IAM: Iam(self._clients, config.iam_tags_from, max_pages, page_read),
            Source.AUTOSCALING: AutoScaling(self._clients, max_pages, page_read),
        }
        self._stopped = threading.Event()

    def read(self, targets: Sequence[Target]) -> Generator[AccountInventory, None, None]:
        jobs = self._jobs([self._reader_of(target) for target in targets])
        return run_in_threads(jobs, self._config.max_concurrency, self._stopped)

    def _jobs(
        self, readers: list[AccountReader]
    ) -> Iterator[Callable[[], AccountInventory | None]]:
        """Account by account, so that the first are complete before the last are started."""
        for reader in readers[:_ROLES_AHEAD]:
            yield reader.assume_role
        for number, reader in enumerate(readers):
            if number + _ROLES_AHEAD < len(readers):
                yield readers[number + _ROLES_AHEAD].assume_role
            for region in reader.target.regions:
                yield partial(self._read, reader, region)

    def _reader_of(self, target: Target) -> AccountReader:
        steps = role_steps(self._config, target)
        session = AccountSession(self._clients, target, steps, self._budget)
        return AccountReader(
            target,
            session,
            self._sources_in,
            lambda rate: self._budget(CallStats(), rate),
            partial(self._reusable, target.account_id),
        )

    def _sources_in(self, region: RegionName) -> list[SourceToRead]:
        return [
            SourceToRead(
                self._sources[planned.source],
                planned.counts,
                request_of(self._config, planned.source),
            )
            for planned in sources_in(self._config, region)
        ]

    def _budget(self, stats: CallStats, rate: float = 0.0) -> CallBudget:
        seconds = float(self._config.region_deadline)
        return CallBudget(
            seconds, rate, stats, sleep=self._stopped.wait, stopped=self._stopped.is_set
        )

    def _read(self, reader: AccountReader, region: RegionName) -> AccountInventory | None:
        status, inventory = reader.read(region)
        self._progress(reader.target.account_id, status)
        return inventory


def _log(status: AccountReadStatus) -> None:
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
