"""Resources as AWS returned them: the resource table, and one account's part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.read_status import AccountReadStatus

LABEL = pa.dictionary(pa.int32(), pa.string())
"""The type of a column with few distinct texts."""

RESOURCE_SCHEMA = pa.schema(
    [
        pa.field("region", LABEL, nullable=False),
        pa.field("arn", pa.string(), nullable=False),
        pa.field("resource_type", LABEL, nullable=False),
        pa.field("tags", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("source", LABEL, nullable=False),
    ]
)
"""One row for each resource that a source returned, before exclusion and before an ARN that came
back twice is counted once.

`region` is the region that was read, which is not the ARN's region for global resources;
`resource_type` is `service:type`; `source` is a `Source`.
"""


@dataclass(frozen=True, slots=True)
class AccountInventory:
    """An account's read status and its resources: `resources` has `RESOURCE_SCHEMA`."""

    status: AccountReadStatus
    resources: pa.Table

    def carry_forward(self, previous: AccountInventory | None) -> AccountInventory:
        """This inventory, with the last good rows of the regions that this scan could not read.

        A failed region keeps the rows and the `last_success_at` of its last good reading, so that
        a failure never destroys what was known. Its status stays failed: whether such rows count
        is decided when they are evaluated.
        """
        if previous is None:
            return self
        before = {region.region: region for region in previous.status.regions}
        regions = tuple(
            region
            if region.succeeded or region.region not in before
            else region.with_last_success_of(before[region.region])
            for region in self.status.regions
        )
        kept = [r.region for r in regions if not r.succeeded and r.last_success_at is not None]
        status = replace(
            self.status,
            regions=regions,
            last_success_at=self.status.last_success_at or previous.status.last_success_at,
        )
        return AccountInventory(status, _with_rows_of(self.resources, previous.resources, kept))


def _with_rows_of(table: pa.Table, other: pa.Table, regions: Sequence[str]) -> pa.Table:
    if not regions:
        return table
    wanted = pc.is_in(other["region"].cast(pa.string()), value_set=pa.array(regions))
    return pa.concat_tables([table, other.filter(wanted)]).unify_dictionaries()
