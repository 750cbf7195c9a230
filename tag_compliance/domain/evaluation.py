"""Applying the policy to the resources of one account.

Vectorised: no Python loop runs over resources here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.findings import build_findings
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.domain.rules.base import Rule, Violations
from tag_compliance.domain.summary import (
    RULE_SUMMARY_SCHEMA,
    TYPE_SUMMARY_SCHEMA,
    AccountSummary,
)
from tag_compliance.domain.tag_index import TaggedResources
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
        or (
            keep_since is not None
            and region.last_success_at is not None
            and region.last_success_at >= keep_since
        )
    )
    return Basis(policy.version, scan_started_at.date(), regions)


def evaluate(inventory: AccountInventory, policy: Policy, basis: Basis) -> Evaluation:
    """The findings and the summary of one account's resources."""
    returned = rows_of_regions(inventory.resources, basis.regions)
    candidates = once_per_arn(returned)
    kept = ~matched_rows(policy.exclusions, candidates)
    counted = TaggedResources(candidates.filter(pa.array(kept)))
    found = [(rule, rule.violations(counted)) for rule in policy.rules]
    findings = build_findings(inventory.status.account_id, counted.table, found)
    summary = _summarize(
        returned, candidates.filter(pa.array(~kept)), counted, found, policy, basis
    )
    return Evaluation(inventory.status, basis, findings, summary)


def counted_resources(inventory: AccountInventory, policy: Policy, basis: Basis) -> pa.Table:
    """The rows of `RESOURCE_SCHEMA` that count, each ARN once."""
    candidates = once_per_arn(rows_of_regions(inventory.resources, basis.regions))
    return candidates.filter(pa.array(~matched_rows(policy.exclusions, candidates)))


def rows_of_regions(table: pa.Table, regions: tuple[RegionName, ...]) -> pa.Table:
    """The rows of these regions, in their order: the first of two equal ARNs is a fixed one."""
    found = pc.index_in(_text(table["region"]), value_set=pa.array(regions, pa.string()))
    place = found.fill_null(-1).to_numpy()
    if (place >= 0).all() and (np.diff(place) >= 0).all():
        return table
    order = np.argsort(place, kind="stable")
    return table.take(pa.array(order[place[order] >= 0]))


def once_per_arn(table: pa.Table) -> pa.Table:
    """One row for each ARN: AWS may return a resource twice, a global one in several regions.

    The row of the region that the ARN names comes first, then the first row.
    """
    if pc.count_distinct(table["arn"]).as_py() == len(table):
        return table
    arns = table["arn"].to_pandas()
    asked = _text(table["region"]).to_pandas()
    at_home = arns.str.split(":", n=4).str[3] == asked
    order = np.argsort(~at_home.to_numpy(dtype=bool), kind="stable")
    first = order[~arns.iloc[order].duplicated().to_numpy()]
    return table.take(pa.array(np.sort(first)))


class _Groups:
    """The (region, type) pairs of an account's rows, numbered in the order of their labels."""

    def __init__(self, table: pa.Table) -> None:
        self.regions = sorted(set(_distinct(table["region"])))
        self.types = sorted(set(_distinct(table["resource_type"])))

    def __len__(self) -> int:
        return len(self.regions) * len(self.types)

    def of(self, table: pa.Table) -> NDArray[np.int64]:
        """The number of each row's group."""
        region = _positions(table["region"], self.regions)
        return region * len(self.types) + _positions(table["resource_type"], self.types)

    def labels(self, groups: NDArray[np.int64]) -> tuple[list[str], list[str]]:
        regions, types = np.divmod(groups, max(len(self.types), 1))
        return [self.regions[at] for at in regions], [self.types[at] for at in types]


def _summarize(  # noqa: PLR0913, PLR0917 - the stages of one evaluation
    returned: pa.Table,
    excluded: pa.Table,
    counted: TaggedResources,
    found: list[tuple[Rule, Violations]],
    policy: Policy,
    basis: Basis,
) -> AccountSummary:
    groups = _Groups(returned)
    group_of_row = groups.of(counted.table)
    noncompliant = np.zeros(len(counted), dtype=bool)
    for rule, violations in found:
        if rule.rule_id in policy.required_rule_ids:
            noncompliant[violations.rows] = True

    def sizes(group: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(group, minlength=len(groups))

    numbers = {
        "returned": sizes(groups.of(returned)),
        "excluded": sizes(groups.of(excluded)),
        "counted": sizes(group_of_row),
        "compliant": sizes(group_of_row[~noncompliant]),
    }
    used = np.nonzero(numbers["returned"])[0]
    regions, types = groups.labels(used)
    columns = {name: column[used] for name, column in numbers.items()}
    by_type = {"region": regions, "resource_type": types, **columns}
    by_rule = _by_rule(groups, group_of_row, counted, found)
    return AccountSummary(basis.regions, pa.table(by_type, schema=TYPE_SUMMARY_SCHEMA), by_rule)


def _by_rule(
    groups: _Groups,
    group_of_row: NDArray[np.int64],
    counted: TaggedResources,
    found: list[tuple[Rule, Violations]],
) -> pa.Table:
    used = np.nonzero(np.bincount(group_of_row, minlength=len(groups)))[0]
    if not found or not len(used):
        return RULE_SUMMARY_SCHEMA.empty_table()
    evaluated, violations = (np.zeros((len(used), len(found)), dtype=np.int64) for _ in range(2))
    for number, (rule, violating) in enumerate(found):
        applies = rule.applies_to(counted)
        evaluated[:, number] = np.bincount(group_of_row[applies], minlength=len(groups))[used]
        rows = group_of_row[violating.rows]
        violations[:, number] = np.bincount(rows, minlength=len(groups))[used]
    regions, types = groups.labels(np.repeat(used, len(found)))
    columns = {
        "region": regions,
        "resource_type": types,
        "rule": [str(rule.rule_id) for rule, _ in found] * len(used),
        "evaluated": evaluated.ravel(),
        "violations": violations.ravel(),
    }
    return pa.table(columns, schema=RULE_SUMMARY_SCHEMA)


def _distinct(column: pa.ChunkedArray) -> list[str]:
    found: list[str] = column.unify_dictionaries().combine_chunks().dictionary.to_pylist()
    return found


def _positions(column: pa.ChunkedArray, labels: list[str]) -> NDArray[np.int64]:
    """For each row the place of its text in `labels`, which holds each of them."""
    if len(column) == 0:
        return np.zeros(0, dtype=np.int64)
    encoded = column.unify_dictionaries().combine_chunks()
    place = {label: number for number, label in enumerate(labels)}
    places = np.array([place.get(text, 0) for text in encoded.dictionary.to_pylist()], np.int64)
    found: NDArray[np.int64] = places[encoded.indices.to_numpy()]
    return found


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())
