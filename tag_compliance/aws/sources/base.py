"""The protocol of all sources of resources."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.retry import CallBudget
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Source


class ResourceSource(Protocol):
    """An AWS API that returns resources. Each source implements this in one file.

    Threads share a source, so it keeps no state of a region. A source is read in the regions in
    which `plan.sources_in` contains its name.
    """

    @property
    def name(self) -> Source:
        """The value of the column `source` and of the label `source`."""

    @property
    def operation(self) -> str:
        """The API operation that error messages name."""

    @property
    def calls_per_second(self) -> float:
        """The maximum rate of its calls for each account and region; 0: no limit."""

    def read(self, session: AccountSession, region: RegionName, budget: CallBudget) -> pa.Table:
        """Every resource of the region: a table of `RESOURCE_SCHEMA`.

        Makes every call through `budget`, which counts, limits and retries calls.
        Raises `AwsError`, or any error of botocore, if it cannot read the source to its last page.
        """
