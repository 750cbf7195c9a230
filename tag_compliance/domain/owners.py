"""Who is responsible for a resource: the owner, and where the owner comes from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.resources import LABEL, flags_by_text, has_text
from tag_compliance.domain.severity import Severity

SOURCE_NONE = "none"

OTHER_OWNERS = "(other)"
"""The owners that a limit leaves out, taken together."""

OPEN_BY_SEVERITY = {severity: f"open_{severity}" for severity in Severity}
OWNER_COUNTS = ("counted", "compliant", *OPEN_BY_SEVERITY.values())

OWNER_SUMMARY_SCHEMA = pa.schema(
    [
        pa.field("owner", pa.string()),
        *(pa.field(name, pa.int64(), nullable=False) for name in OWNER_COUNTS),
    ]
)
"""One row for each owner that tags of an account name, the largest first; null: no tag names one.

`counted` and `compliant` are resources as in `domain.counts`, the others open findings. Without
`owner_tags` the table is empty.
"""

_MAX_OWNERS = 10_000
"""Of one account: a tag that is different on each resource names no owners."""


@dataclass(frozen=True, slots=True)
class AccountOwner:
    """The owner of an account's resources that have no tag of an owner.

    `source` is `account` (the configuration), `organization` (AWS Organizations) or `none`.
    """

    name: str | None = None
    source: str = SOURCE_NONE


@dataclass(frozen=True, slots=True)
class OwnerColumns:
    """For each resource its owner, or null, and the origin of the owner."""

    owner: pa.Array
    source: pa.Array


def tag_owners(tags: pa.MapArray, owner_tags: tuple[str, ...]) -> OwnerColumns:
    """The owners that the tags name: the first key of `owner_tags` with a value wins.

    A value of white space only is no owner. Both columns are null where no tag names one.
    """
    offsets = tags.offsets.to_numpy()
    keys = tags.keys.slice(offsets[0], offsets[-1] - offsets[0])
    values = tags.items.slice(offsets[0], offsets[-1] - offsets[0])
    trimmed = pc.utf8_trim_whitespace(values)
    row_of_entry = np.repeat(np.arange(len(tags)), np.diff(offsets))
    entry = np.full(len(tags), -1, dtype=np.int64)
    which = np.full(len(tags), -1, dtype=np.int64)
    for place, key in enumerate(owner_tags):
        named = pc.and_(pc.equal(keys, key), pc.not_equal(trimmed, ""))
        entries = np.flatnonzero(named.to_numpy(zero_copy_only=False))
        rows = row_of_entry[entries]
        new = which[rows] < 0
        entry[rows[new]], which[rows[new]] = entries[new], place
    origins = pa.array([f"tag:{key}" for key in owner_tags], pa.string()).dictionary_encode()
    missing = which < 0
    return OwnerColumns(
        values.take(pa.array(entry, mask=missing)),
        origins.take(pa.array(which, mask=missing)).cast(LABEL),
    )


def summarize_owners(
    resources: pa.Table,
    findings: pa.Table,
    required_rules: Collection[str],
    owner_tags: tuple[str, ...],
) -> pa.Table:
    """A table of `OWNER_SUMMARY_SCHEMA`: of the counted resources of an account and their findings.

    A resource is compliant without a finding of `required_rules`, waived or not.
    """
    if not owner_tags or not len(resources):
        return OWNER_SUMMARY_SCHEMA.empty_table()
    owners = tag_owners(_one_array(resources["tags"]), owner_tags).owner.dictionary_encode()
    names = [*owners.dictionary.to_pylist(), None]
    of_resource = owners.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    row = pc.index_in(_one_array(findings["arn"]), value_set=_one_array(resources["arn"]))
    rows = row.to_numpy(zero_copy_only=False)
    compliant = np.ones(len(resources), dtype=bool)
    compliant[rows[flags_by_text(findings["rule"], lambda rule: rule in required_rules)]] = False
    is_open = has_text(findings["state"], "open")
    groups = {"counted": of_resource, "compliant": of_resource[compliant]}
    for severity, name in OPEN_BY_SEVERITY.items():
        groups[name] = of_resource[rows[is_open & has_text(findings["severity"], severity)]]
    counts = {n: np.bincount(group, minlength=len(names)) for n, group in groups.items()}
    return _largest(pa.table({"owner": names, **counts}).cast(OWNER_SUMMARY_SCHEMA))


def _largest(table: pa.Table) -> pa.Table:
    """The owners that have resources, the largest first; those beyond the limit as one."""
    table = table.filter(pc.greater(table["counted"], 0))
    table = table.sort_by([("counted", "descending"), ("owner", "ascending")])
    if len(table) <= _MAX_OWNERS:
        return table
    rest = table.slice(_MAX_OWNERS)
    sums = {name: [pc.sum(rest[name])] for name in OWNER_COUNTS}
    other = pa.table({"owner": [OTHER_OWNERS], **sums}, schema=OWNER_SUMMARY_SCHEMA)
    return pa.concat_tables([table.slice(0, _MAX_OWNERS), other])


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
