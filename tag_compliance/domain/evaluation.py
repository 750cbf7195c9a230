"""Applying the policy to the resources of one account.

Vectorised: no Python loop runs over resources here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.aws_owned import aws_owned_rows
from tag_compliance.domain.counts import Exclusion
from tag_compliance.domain.findings import build_findings
from tag_compliance.domain.merging import MergedRows, SourceRows
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus, ReadStatus, Source
from tag_compliance.domain.resources import AccountInventory, TaggedResources, encoded
from tag_compliance.domain.rules.base import Rule, Violations
from tag_compliance.domain.summary import (
    EXCLUSION_SCHEMA,
    NEVER_TAGGED_SCHEMA,
    RULE_SUMMARY_SCHEMA,
    TYPE_SUMMARY_SCHEMA,
    AccountSummary,
)
from tag_compliance.domain.type_patterns import matched_rows


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything besides the resources that a result of the evaluation depends on.

    A stored evaluation with an equal basis is still right. `regions` are the regions that count,
    `sources` the rows that are used, in the order of their precedence.
    """

    policy_version: str
    day: date
    """The UTC day of the scan's start."""

    regions: tuple[RegionName, ...]
    sources: tuple[SourceRows, ...] = ()

    def without_readings_before(self, oldest: datetime, status: AccountReadStatus) -> Self:
        """This basis of an account without the readings whose last success is older."""
        ends = {
            (region.region, reading.source): reading.last_success_at
            for region in status.regions
            for reading in region.sources
        }

        def is_new(region: RegionName, source: Source) -> bool:
            end = ends[region, source]
            return end is None or end >= oldest

        sources = tuple(
            replace(rows, regions=tuple(r for r in rows.regions if is_new(r, rows.source)))
            for rows in self.sources
        )
        counting = [rows.source for rows in self.sources if rows.counts]
        regions = tuple(
            region
            for region in self.regions
            if all(is_new(region, source) for source in counting if (region, source) in ends)
        )
        return replace(self, regions=regions, sources=sources)


@dataclass(frozen=True)
class Evaluation:
    """One account, evaluated: `findings` has `FINDING_SCHEMA`."""

    status: AccountReadStatus
    basis: Basis
    findings: pa.Table
    summary: AccountSummary

    @property
    def account_id(self) -> AccountId:
        return self.status.account_id


def basis_of(
    status: AccountReadStatus,
    policy: Policy,
    scan_started_at: datetime,
    keep_since: datetime | None = None,
) -> Basis:
    """The basis on which an account is evaluated.

    A source that could not be read in a region is not used there, unless `keep_since` is given and
    its last good reading is not older than that. A region counts if each source that counts is
    used.
    """

    def is_used(reading: ReadStatus) -> bool:
        last = reading.last_success_at
        return reading.succeeded or bool(keep_since and last and last >= keep_since)

    regions = tuple(r.region for r in status.regions if all(map(is_used, r.counting)))
    found = {s.source: s.counts for region in status.regions for s in region.sources}
    sources = tuple(
        SourceRows(
            source,
            tuple(
                region.region
                for region in status.regions
                if any(s.source is source and is_used(s) for s in region.sources)
            ),
            found[source],
        )
        for source in Source
        if source in found
    )
    return Basis(policy.version, scan_started_at.date(), regions, sources)


def evaluate(inventory: AccountInventory, policy: Policy, basis: Basis) -> Evaluation:
    """The findings and the summary of one account's resources."""
    rows = _Rows.of(inventory, policy, basis)
    counted = TaggedResources(rows.merged.table.filter(pa.array(rows.counted)))
    found = [(rule, rule.violations(counted)) for rule in policy.rules]
    findings = build_findings(inventory.status.account_id, counted.table, found)
    compliant = np.ones(len(counted), dtype=bool)
    for rule, violations in found:
        if rule.rule_id in policy.required_rule_ids:
            compliant[violations.rows] = False
    groups = _Groups(rows.merged.table)
    types = _summarize_types(groups, rows, compliant)
    rules = _summarize_rules(groups, groups.of_row[rows.counted], counted, found)
    summary = AccountSummary(
        basis.regions,
        types,
        rules,
        rows.exclusion_matches,
        _summarize_exclusions(groups, rows),
        _summarize_never_tagged(groups, rows),
        _additions(rows.merged),
    )
    return Evaluation(inventory.status, basis, findings, summary)


def counted_resources(inventory: AccountInventory, policy: Policy, basis: Basis) -> pa.Table:
    """The rows of `RESOURCE_SCHEMA` that count, each ARN once."""
    rows = _Rows.of(inventory, policy, basis)
    return rows.merged.table.filter(pa.array(rows.counted))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that are used; `excluded` (by reason) and `counted` flag each ARN once.

    No row has two reasons: the first one applies. Rows that do not count are excluded as well.
    `never_tagged` flags the other resources that only Resource Explorer returned.
    `exclusion_matches` counts the rows that each pattern matches.
    """

    merged: MergedRows
    excluded: dict[Exclusion, NDArray[np.bool_]]
    counted: NDArray[np.bool_]
    never_tagged: NDArray[np.bool_]
    exclusion_matches: dict[str, int]

    @classmethod
    def of(cls, inventory: AccountInventory, policy: Policy, basis: Basis) -> Self:
        merged = MergedRows.of(inventory.resources, basis.regions, basis.sources)
        table, kept = merged.table, merged.first.copy()
        matched, matches = matched_rows(policy.exclusions, table)
        owned = aws_owned_rows(table) if policy.excludes_aws_owned else np.zeros_like(matched)
        excluded = {Exclusion.PATTERN: kept & matched, Exclusion.AWS_OWNED: kept & owned & ~matched}
        kept &= ~(matched | owned)
        return cls(merged, excluded, kept & merged.counting, kept & merged.explored, matches)


def _any_of(flags: Mapping[Exclusion, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.any([*flags.values()], axis=0)
    return found


class _Groups:
    """The (region, type) pairs of an account: their labels, and the number of each row's pair."""

    def __init__(self, table: pa.Table) -> None:
        regions, types = encoded(table["region"]), encoded(table["resource_type"])
        names = regions.dictionary.to_pylist(), types.dictionary.to_pylist()
        self._labels = list(itertools.product(*names))
        self.of_row = regions.indices.to_numpy() * len(names[1]) + types.indices.to_numpy()

    def sizes(self, groups: NDArray[np.integer]) -> NDArray[np.int64]:
        """For each group, how often its number occurs."""
        return np.bincount(groups, minlength=len(self._labels))

    def used(self, groups: NDArray[np.integer]) -> list[int]:
        """The numbers that occur, ordered by their labels."""
        return sorted(np.unique(groups).tolist(), key=self._labels.__getitem__)

    def labels(self, groups: Iterable[int]) -> dict[str, list[str]]:
        """The label columns of a row for each of these groups."""
        labels = [self._labels[group] for group in groups]
        return {"region": [r for r, _ in labels], "resource_type": [t for _, t in labels]}


def _summarize_types(groups: _Groups, rows: _Rows, compliant: NDArray[np.bool_]) -> pa.Table:
    """A table of `TYPE_SUMMARY_SCHEMA`; `compliant` flags counted resources."""
    of_row, counting = groups.of_row, rows.merged.counting
    used = groups.used(of_row[counting])
    excluded = [
        pa.array(groups.sizes(of_row[rows.excluded[why] & counting])[used]) for why in Exclusion
    ]
    by_reason = TYPE_SUMMARY_SCHEMA.field("excluded").type
    columns = {
        **groups.labels(used),
        "returned": groups.sizes(of_row[counting])[used],
        "excluded": pa.StructArray.from_arrays(excluded, fields=list(by_reason)),
        "counted": groups.sizes(of_row[rows.counted])[used],
        "compliant": groups.sizes(of_row[rows.counted][compliant])[used],
    }
    return pa.table(columns, schema=TYPE_SUMMARY_SCHEMA)


def _summarize_exclusions(groups: _Groups, rows: _Rows) -> pa.Table:
    """A table of `EXCLUSION_SCHEMA`."""
    sizes = {why: groups.sizes(groups.of_row[flags]) for why, flags in rows.excluded.items()}
    used = groups.used(groups.of_row[_any_of(rows.excluded)])
    found = [(group, why) for group in used for why in Exclusion if sizes[why][group]]
    columns = {
        **groups.labels(group for group, _ in found),
        "reason": [str(why) for _, why in found],
        "resources": [int(sizes[why][group]) for group, why in found],
    }
    return pa.table(columns, schema=EXCLUSION_SCHEMA)


def _summarize_never_tagged(groups: _Groups, rows: _Rows) -> pa.Table:
    """A table of `NEVER_TAGGED_SCHEMA`."""
    of_row = groups.of_row[rows.never_tagged]
    used = groups.used(of_row)
    columns = {**groups.labels(used), "resources": groups.sizes(of_row)[used]}
    return pa.table(columns, schema=NEVER_TAGGED_SCHEMA)


def _additions(merged: MergedRows) -> dict[RegionName, dict[Source, int]]:
    """The number of ARNs by the region and the source whose row is used."""
    table = merged.table.select(["region", "source"]).filter(pa.array(merged.first))
    counts = table.group_by(["region", "source"], use_threads=False).aggregate([([], "count_all")])
    found: dict[RegionName, dict[Source, int]] = {}
    for row in counts.to_pylist():
        found.setdefault(RegionName(row["region"]), {})[Source(row["source"])] = row["count_all"]
    return found


def _summarize_rules(
    groups: _Groups,
    group: NDArray[np.integer],
    counted: TaggedResources,
    found: Sequence[tuple[Rule, Violations]],
) -> pa.Table:
    """A table of `RULE_SUMMARY_SCHEMA`; `group` has the group of each counted resource."""
    used = groups.used(group)
    evaluated = [groups.sizes(group[rule.applies_to(counted)])[used] for rule, _ in found]
    violations = [groups.sizes(group[violating.rows])[used] for _, violating in found]
    columns = {
        **groups.labels(group for group in used for _ in found),
        "rule": [str(rule.rule_id) for rule, _ in found] * len(used),
        "evaluated": np.ravel(evaluated, order="F"),
        "violations": np.ravel(violations, order="F"),
    }
    return pa.table(columns, schema=RULE_SUMMARY_SCHEMA)
