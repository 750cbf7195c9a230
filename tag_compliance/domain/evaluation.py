"""Applying the policy to the resources of one account.

Vectorised: no Python loop runs over resources here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.account_counts import AccountCounts
from tag_compliance.domain.aws_owned import aws_owned_rows
from tag_compliance.domain.counts import Exclusion
from tag_compliance.domain.findings import build_findings
from tag_compliance.domain.merging import MergedRows, SourceRows
from tag_compliance.domain.owners import summarize_owners
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus, ReadStatus, Source
from tag_compliance.domain.resources import AccountInventory, TaggedResources
from tag_compliance.domain.summary import AccountSummary
from tag_compliance.domain.type_patterns import matched_rows
from tag_compliance.domain.waiver_matching import waive


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything except the resources that a result of the evaluation depends on.

    A stored evaluation with an equal basis is still right. `regions` are the regions that count,
    `sources` the rows that are used, in the order of their precedence.
    """

    policy_version: str
    day: date
    """The UTC day of the scan's start."""

    regions: tuple[RegionName, ...]
    sources: tuple[SourceRows, ...] = ()
    units: tuple[str, ...] = ()
    """The organizational units that contain the account, if the policy depends on them."""

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
    units: tuple[str, ...] = (),
) -> Basis:
    """The basis on which an account is evaluated; `units` are the paths and ids of the
    organizational units that contain it.

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
    known = units if policy.depends_on_units else ()
    return Basis(policy.version, scan_started_at.date(), regions, sources, known)


def evaluate(inventory: AccountInventory, policy: Policy, basis: Basis) -> Evaluation:
    """The findings and the summary of one account's resources."""
    rows, account_id = _Rows.of(inventory, policy, basis), inventory.status.account_id
    table = rows.merged.table.filter(pa.array(rows.counted))
    counted = TaggedResources(table, account_id, basis.units)
    counts = AccountCounts(rows.merged.table, rows.counted, rows.merged.counting)
    found = []
    for rule in policy.rules:
        applies = rule.applies_to(counted)
        violations = rule.violations(counted, applies)
        exempted = rule.exempted_by_tag(counted, applies)
        counts.add_rule(rule, applies, exempted, violations)
        found.append((rule, violations))
    ids = [str(waiver.waiver_id) for waiver in policy.waivers]
    violating = [violations for _, violations in found]
    waived = waive(policy.waivers, policy.covered_rules, counted, violating, basis.day)
    findings = build_findings(account_id, table, found, waived.waivers, ids)
    summary = AccountSummary(
        basis.regions,
        counts.by_type(rows.excluded, policy.required_rule_ids, waived.waivers),
        counts.by_rule(waived.waivers),
        rows.exclusion_matches,
        counts.exclusions(rows.excluded),
        counts.never_tagged(rows.never_tagged),
        _additions(rows.merged),
        dict(zip(ids, waived.uses, strict=True)),
        summarize_owners(table, findings, policy.required_rule_ids, policy.owner_tags),
    )
    return Evaluation(inventory.status, basis, findings, summary)


def counted_resources(inventory: AccountInventory, policy: Policy, basis: Basis) -> pa.Table:
    """The rows of `RESOURCE_SCHEMA` that count, each ARN once."""
    # Without the tags, which take most of the memory: they are not copied if all rows count.
    numbers = pa.array(np.arange(len(inventory.resources)))
    numbered = inventory.resources.drop_columns("tags").append_column("number", numbers)
    rows = _Rows.of(AccountInventory(inventory.status, numbered), policy, basis)
    counted = rows.merged.table["number"].filter(pa.array(rows.counted)).combine_chunks()
    return inventory.resources if counted.equals(numbers) else inventory.resources.take(counted)


def present_resources(inventory: AccountInventory, policy: Policy, basis: Basis) -> pa.Table:
    """Each ARN of the account once: its region and source, and whether it is `excluded`.

    Without the rows of sources and regions that do not count.
    """
    rows = _Rows.of(inventory, policy, basis)
    excluded = np.any([*rows.excluded.values()], axis=0) & rows.merged.counting
    present = pa.array(excluded | rows.counted)
    table = rows.merged.table.select(["arn", "region", "source"]).filter(present)
    flags = pa.array(excluded).filter(present)
    return table.append_column(pa.field("excluded", pa.bool_(), nullable=False), flags)


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


def _additions(merged: MergedRows) -> dict[RegionName, dict[Source, int]]:
    """The number of ARNs by the region and the source whose row is used."""
    table = merged.table.select(["region", "source"]).filter(pa.array(merged.first))
    counts = table.group_by(["region", "source"], use_threads=False).aggregate([([], "count_all")])
    found: dict[RegionName, dict[Source, int]] = {}
    for row in counts.to_pylist():
        found.setdefault(RegionName(row["region"]), {})[Source(row["source"])] = row["count_all"]
    return found
