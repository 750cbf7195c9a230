"""What every source of resources has in common."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.retry import CallBudget
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Source


class ResourceSource(Protocol):
    """An AWS API that returns resources. A new source is one file that implements this."""

    @property
    def name(self) -> Source: ...

    @property
    def operation(self) -> str:
        """The API operation that error messages name."""

    def read(self, session: AccountSession, region: RegionName, budget: CallBudget) -> pa.Table:
        """Every resource of the region: a table of `RESOURCE_SCHEMA`.

        Every call goes through `budget`, which counts, paces and retries it until the deadline.
        Raises `AwsError`, or whatever botocore raises, if the source was not read to its last page.
        """
