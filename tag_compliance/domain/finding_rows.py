"""The report rows of one account: its findings, joined with the resources that they concern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.findings import FindingState
from tag_compliance.domain.owners import AccountOwner, tag_owners
from tag_compliance.domain.report_filter import ALL_STATES, FindingFilter
from tag_compliance.domain.report_row import ConsoleLink, ReportRow, console_url
from tag_compliance.domain.resources import encoded, flags_by_text, numbers_by_text, text_numbers
from tag_compliance.domain.severity import Severity

_BATCH_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class ReportedAccount:
    """What the rows of an account have in common."""

    account_id: AccountId
    account_name: AccountName
    ou_path: str = ""
    owner: AccountOwner = field(default_factory=AccountOwner)


@dataclass(frozen=True)
class AccountFindings:
    """The findings of an account (`FINDING_SCHEMA`), and its counted resources, each ARN once
    (`RESOURCE_SCHEMA`).

    `opened` has the columns `arn`, `rule` (of type `LABEL`) and `opened_at` of the findings whose
    opening is known.
    """

    account: ReportedAccount
    findings: pa.Table
    resources: pa.Table
    opened: pa.Table | None = None


@dataclass(frozen=True)
class RowSettings:
    """What the rows of a report have in common.

    `waiver_expires` has the last day of each waiver. With `show_values` False no tag value is in a
    row, except that of the owner.
    """

    snapshot_time: datetime
    owner_tags: tuple[str, ...] = ()
    show_values: bool = True
    console_link: ConsoleLink | None = None
    waiver_expires: Mapping[str, date] = field(default_factory=dict)


def rows_of_account(
    found: AccountFindings, settings: RowSettings, chosen: FindingFilter | None = None
) -> Iterator[ReportRow]:
    """The rows of an account in the order of reports: those that `chosen` matches, or all."""
    chosen = chosen or FindingFilter(state=ALL_STATES)
    if not chosen.has_account(found.account.account_id, found.account.ou_path):
        return
    findings = _chosen(found.findings, chosen)
    if not len(findings):
        return
    order = _order(findings)
    joined = _Joined(replace(found, findings=findings), settings)
    del found, findings  # they are large, and the rows do not need all of them
    for start in range(0, len(order), _BATCH_ROWS):
        rows = joined.rows(order[start : start + _BATCH_ROWS])
        yield from filter(chosen.matches, rows) if chosen.tags or chosen.owners else rows


def most_serious(findings: pa.Table, limit: int) -> pa.Table:
    """At most so many findings: the most serious ones, open ones before waived ones.

    Of equal ones, those that come first in a report: the same ones stay from scan to scan.
    """
    if len(findings) <= limit:
        return findings
    order = _order(findings.unify_dictionaries().combine_chunks())
    severities = [str(severity) for severity in Severity]
    rank = numbers_by_text(findings["severity"], severities.index)[order] * -2
    rank += flags_by_text(findings["state"], lambda state: state != FindingState.OPEN)[order]
    chosen = order[np.argsort(rank, kind="stable")[:limit]]
    return findings.take(pa.array(np.sort(chosen)))


def _chosen(findings: pa.Table, chosen: FindingFilter) -> pa.Table:
    """Without the findings that cannot match: by the columns that have few distinct values."""
    mask = np.ones(len(findings), dtype=bool)
    for name, is_wanted in (
        ("state", chosen.has_state),
        ("region", chosen.has_region),
        ("resource_type", chosen.has_type),
        ("rule", chosen.has_rule),
        ("severity", chosen.has_severity),
    ):
        mask &= flags_by_text(findings[name], is_wanted)
    rows = findings if mask.all() else findings.filter(pa.array(mask))
    return rows.unify_dictionaries().combine_chunks()


def _order(findings: pa.Table) -> NDArray[np.int64]:
    """The row numbers in the order of reports: by code point, as UTF-8 sorts."""
    keys = {
        name: pa.array(_ranks(encoded(findings[name])))
        for name in ("region", "resource_type", "rule")
    }
    table = pa.table({**keys, "arn": findings["arn"]})
    names = ("region", "resource_type", "arn", "rule")
    order: NDArray[np.int64] = pc.sort_indices(
        table, sort_keys=[(name, "ascending") for name in names]
    ).to_numpy()
    return order


def _ranks(column: pa.DictionaryArray) -> NDArray[np.int32]:
    """For each row the rank of its text among the texts of the column."""
    texts = column.dictionary.to_pylist()
    rank = np.empty(len(texts), dtype=np.int32)
    rank[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts), dtype=np.int32)
    ranks: NDArray[np.int32] = rank[column.indices.to_numpy()]
    return ranks


class _Joined:
    """The findings of an account and the resources that they concern, read batch by batch."""

    def __init__(self, own: AccountFindings, settings: RowSettings) -> None:
        self._account, self._findings, self._settings = own.account, own.findings, settings
        # Once for all batches: a look-up builds a hash table of all its values.
        self._place = pc.index_in(
            own.findings["arn"].combine_chunks(), value_set=own.resources["arn"]
        )
        self._resources = own.resources.select(["arn", "tags", "source"]).unify_dictionaries()
        self._opened_at = _opened_at(own.findings, own.opened)
        if not self._place.null_count:  # the resources have the ARNs
            self._findings = own.findings.drop_columns("arn")

    def rows(self, numbers: NDArray[np.int64]) -> Iterator[ReportRow]:
        """The rows with these numbers. A finding whose resource is unknown has no tags."""
        settings, account = self._settings, self._account
        which = pa.array(numbers)
        found = self._findings.take(which)
        place = self._place.take(which)
        resources = self._resources.take(place).combine_chunks()
        arns, types, waivers = (
            (found if "arn" in found.column_names else resources)["arn"].to_pylist(),
            _texts(found["resource_type"]),
            _texts(found["waiver"]),
        )
        owners = tag_owners(resources["tags"].combine_chunks(), settings.owner_tags)
        opened_at = self._openings_of(which)
        return map(
            ReportRow,
            repeat(settings.snapshot_time),
            repeat(account.account_id),
            repeat(account.account_name),
            repeat(account.ou_path),
            _texts(found["region"]),
            [type_.partition(":")[0] for type_ in types],
            types,
            arns,
            _texts(found["rule"]),
            _texts(found["severity"]),
            map(tuple, found["codes"].to_pylist()),
            _texts(found["tag"]),
            _texts(found["state"]),
            waivers,
            [settings.waiver_expires.get(waiver) if waiver else None for waiver in waivers],
            opened_at,
            [moment and _full_days(moment, settings.snapshot_time) for moment in opened_at],
            [name or account.owner.name for name in owners.owner.to_pylist()],
            [name or account.owner.source for name in _texts(owners.source)],
            [source or "" for source in _texts(resources["source"])],
            self._tags_of(place),
            [console_url(arn, account.account_id, settings.console_link) for arn in arns],
        )

    def _tags_of(self, place: pa.Array) -> list[dict[str, str | None]]:
        """The findings of a resource share its tags, whose conversion takes most of the time."""
        distinct, number = np.unique(place.fill_null(-1).to_numpy(), return_inverse=True)
        shared = self._resources["tags"].take(pa.array(distinct, mask=distinct < 0))
        tags = _tags(shared, show_values=self._settings.show_values)
        return [tags[n] for n in number.tolist()]

    def _openings_of(self, which: pa.Array) -> list[datetime | None]:
        if self._opened_at is None:
            return [None] * len(which)
        times: list[datetime | None] = self._opened_at.take(which).to_pylist()
        return times


def _full_days(since: datetime, until: datetime) -> int:
    return max(0, (until - since).days)


def _texts(column: pa.ChunkedArray | pa.DictionaryArray) -> list[Any]:
    """The texts of a dictionary column; Arrow's own conversion creates an object for each row."""
    array = encoded(column) if isinstance(column, pa.ChunkedArray) else column
    texts = [*array.dictionary.to_pylist(), None]
    return [texts[n] for n in array.indices.fill_null(len(texts) - 1).to_pylist()]


def _tags(column: pa.ChunkedArray, *, show_values: bool) -> list[dict[str, str | None]]:
    return [
        {key: value if show_values else None for key, value in sorted(tags or ())}
        for tags in column.to_pylist()
    ]


def _opened_at(found: pa.Table, opened: pa.Table | None) -> pa.ChunkedArray | None:
    """For each finding when it was opened, or null; None without a history."""
    if opened is None:
        return None
    arns = found["arn"].combine_chunks().unique()
    rules = encoded(found["rule"]).dictionary.to_pylist()
    keys = [_keys(table, arns, rules) for table in (found, opened)]
    return opened["opened_at"].take(pc.index_in(*map(pa.array, keys)))


def _keys(table: pa.Table, arns: pa.Array, rules: list[str]) -> NDArray[np.int64]:
    """A number for each resource and rule; a negative one if `arns` or `rules` lack it."""
    arn = pc.index_in(table["arn"].combine_chunks(), value_set=arns).fill_null(-1).to_numpy()
    number = text_numbers(table["rule"], rules)
    keys: NDArray[np.int64] = arn.astype(np.int64) * len(rules) + number
    keys[(arn < 0) | (number < 0)] = -1
    return keys
