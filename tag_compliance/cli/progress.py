"""The progress bar of a scan, on stderr if that is a terminal."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Never

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.read_status import RegionReadStatus


class ProgressBar:
    """Counts pages. How many a region has is known when its last one is read.

    So the total is one page for each region, and one more whenever a page is not the last: the bar
    never goes back, and ends at 100 %. Threads may share it.
    """

    def __init__(self, bar: tqdm[Never], regions: int) -> None:
        self._bar = bar
        self._pages = regions
        self._lock = threading.Lock()
        self._resources = self._failed = 0

    def page_read(self) -> None:
        """A page was read, and another one follows."""
        with self._lock:
            self._pages += 1
            self._bar.total = self._pages
            self._bar.update()

    def region_read(self, _account_id: AccountId, region: RegionReadStatus) -> None:
        """The last page of a region was read, or the region failed."""
        with self._lock:
            self._resources += region.returned
            self._failed += not region.succeeded
            self._bar.set_postfix(resources=self._resources, failed=self._failed, refresh=False)
            self._bar.update()


@contextlib.contextmanager
def progress_bar(config: Config) -> Iterator[ProgressBar]:
    """Log lines of this process appear above the bar until the block is left."""
    regions = sum(len(target.regions) for target in targets_of(config))
    # `disable=None`: no bar if stderr is not a terminal.
    with (
        tqdm(total=regions, unit="page", disable=None) as bar,
        contextlib.nullcontext() if bar.disable else logging_redirect_tqdm([logging.getLogger()]),
    ):
        yield ProgressBar(bar, regions)
