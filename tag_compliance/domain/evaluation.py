"""Applying the policy to the resources of one account.

Vectorised: no Python loop runs over resources here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.counts import Exclusion
from tag_compliance.domain.findings import build_findings
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.resources import AccountInventory, TaggedResources, encoded
from tag_compliance.domain.rules.base import Rule, Violations
from tag_compliance.domain.summary import (
    RULE_SUMMARY_SCHEMA,
    TYPE_SUMMARY_SCHEMA,
    AccountSummary,
)
from tag_compliance.domain.type_patterns import matched_rows


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything besides the resources that a result of the evaluation depends on.

    A stored evaluation with an equal basis is still right. `regions` are the regions that count.
    """

    policy_version: str
    day: date
    """The UTC day of the scan's start."""

    regions: tuple[RegionName, ...]


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

    A region that could not be read does not count, unless `keep_since` is given and its last good
    reading is not older than that.
    """
    regions = tuple(
        region.region
        for region in status.regions
        if region.succeeded
        or (keep_since and region.last_success_at and region.last_success_at >= keep_since)
    )
    return Basis(policy.version, scan_started_at.date(), regions)


def evaluate(inventory: AccountInventory, policy: Policy, basis: Basis) -> Evaluation:
    """The findings and the summary of one account's resources."""
    rows = _Rows.of(inventory, policy, basis)
    counted = TaggedResources(rows.returned.filter(pa.array(rows.counted)))
    found = [(rule, rule.violations(counted)) for rule in policy.rules]
    findings = build_findings(inventory.status.account_id, counted.table, found)
    compliant = np.ones(len(counted), dtype=bool)
    for rule, violations in found:
        if rule.rule_id in policy.required_rule_ids:
            compliant[violations.rows] = False
    groups = _Groups(rows.returned)
    types = _summarize_types(groups, rows, compliant)
    rules = _summarize_rules(groups, groups.of_row[rows.counted], counted, found)
    summary = AccountSummary(basis.regions, types, rules, rows.exclusion_matches)
    return Evaluation(inventory.status, basis, findings, summary)


def counted_resources(inventory: AccountInventory, policy: Policy, basis: Basis) -> pa.Table:
    """The rows of `RESOURCE_SCHEMA` that count, each ARN once."""
    rows = _Rows.of(inventory, policy, basis)
    return rows.returned.filter(pa.array(rows.counted))


def present_resources(inventory: AccountInventory, policy: Policy, basis: Basis) -> pa.Table:
    """Each ARN of the account once: its region and source, and whether it is `excluded`."""
    rows = _Rows.of(inventory, policy, basis)
    excluded = np.any([*rows.excluded.values()], axis=0)
    present = pa.array(excluded | rows.counted)
    table = rows.returned.select(["arn", "region", "source"]).filter(present)
    flags = pa.array(excluded).filter(present)
    return table.append_column(pa.field("excluded", pa.bool_(), nullable=False), flags)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of the regions that count; `excluded` (by reason) and `counted` flag each ARN once.

    No row has two reasons: the first one applies. `exclusion_matches` counts the rows that each
    pattern matches.
    """

    returned: pa.Table
    excluded: dict[Exclusion, NDArray[np.bool_]]
    counted: NDArray[np.bool_]
    exclusion_matches: dict[str, int]

    @classmethod
    def of(cls, inventory: AccountInventory, policy: Policy, basis: Basis) -> Self:
        returned = _rows_of_regions(inventory.resources, basis.regions)
        counted = _once_per_arn(returned)
        matched, matches = matched_rows(policy.exclusions, returned)
        excluded = {Exclusion.RESOURCE_TYPE: counted & matched}
        counted &= ~np.any([*excluded.values()], axis=0)
        return cls(returned, excluded, counted, matches)


def _rows_of_regions(table: pa.Table, regions: tuple[RegionName, ...]) -> pa.Table:
    """The rows of these regions, in their order: the first of two equal ARNs is a fixed one."""
    found = pc.index_in(table["region"].cast(pa.string()), pa.array(regions, pa.string()))
    place = found.fill_null(-1).to_numpy()
    if (place >= 0).all() and (np.diff(place) >= 0).all():
        return table
    order = np.argsort(place, kind="stable")
    return table.take(pa.array(order[place[order] >= 0]))


def _once_per_arn(table: pa.Table) -> NDArray[np.bool_]:
    """Flags one row for each ARN: AWS may return one twice, a global one in several regions.

    The row of the region that the ARN names comes first, then the first row.
    """
    if pc.count_distinct(table["arn"]).as_py() == len(table):
        return np.ones(len(table), dtype=bool)
    arns = table["arn"].to_pandas()
    at_home = arns.str.split(":", n=4).str[3] == table["region"].cast(pa.string()).to_pandas()
    order = np.argsort(~at_home.to_numpy(dtype=bool), kind="stable")
    once = np.zeros(len(table), dtype=bool)
    once[order[~arns.iloc[order].duplicated().to_numpy()]] = True
    return once


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
    of_row = groups.of_row
    used = groups.used(of_row)
    excluded = [pa.array(groups.sizes(of_row[rows.excluded[why]])[used]) for why in Exclusion]
    by_reason = TYPE_SUMMARY_SCHEMA.field("excluded").type
    columns = {
        **groups.labels(used),
        "returned": groups.sizes(of_row)[used],
        "excluded": pa.StructArray.from_arrays(excluded, fields=list(by_reason)),
        "counted": groups.sizes(of_row[rows.counted])[used],
        "compliant": groups.sizes(of_row[rows.counted][compliant])[used],
    }
    return pa.table(columns, schema=TYPE_SUMMARY_SCHEMA)


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
