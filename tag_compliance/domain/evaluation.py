"""Applying the policy to the resources of one account.

Vectorised: no Python loop runs over resources here.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    rows = _Rows.of(inventory, policy, basis)
    counted = TaggedResources(rows.candidates.filter(pa.array(rows.counted)))
    found = [(rule, rule.violations(counted)) for rule in policy.rules]
    findings = build_findings(inventory.status.account_id, counted.table, found)
    compliant = np.ones(len(counted), dtype=bool)
    for rule, violations in found:
        if rule.rule_id in policy.required_rule_ids:
            compliant[violations.rows] = False
    groups = _Groups(rows.returned)
    group = groups.of(rows.candidates)
    types = _summarize_types(groups, rows, group, compliant)
    rules = _summarize_rules(groups, group[rows.counted], counted, found)
    summary = AccountSummary(basis.regions, types, rules)
    return Evaluation(inventory.status, basis, findings, summary)


def counted_resources(inventory: AccountInventory, policy: Policy, basis: Basis) -> pa.Table:
    """The rows of `RESOURCE_SCHEMA` that count, each ARN once."""
    rows = _Rows.of(inventory, policy, basis)
    return rows.candidates.filter(pa.array(rows.counted))


@dataclass(frozen=True, slots=True)
class _Rows:
    """`returned` of the regions that count; `candidates` are the same with each ARN once, and
    `excluded` (by reason) and `counted` have a flag for each of these.
    """

    returned: pa.Table
    candidates: pa.Table
    excluded: dict[Exclusion, NDArray[np.bool_]]
    counted: NDArray[np.bool_]

    @classmethod
    def of(cls, inventory: AccountInventory, policy: Policy, basis: Basis) -> Self:
        returned = _rows_of_regions(inventory.resources, basis.regions)
        candidates = _once_per_arn(returned)
        excluded = _excluded(candidates, policy)
        return cls(returned, candidates, excluded, ~np.any([*excluded.values()], axis=0))


def _rows_of_regions(table: pa.Table, regions: tuple[RegionName, ...]) -> pa.Table:
    """The rows of these regions, in their order: the first of two equal ARNs is a fixed one."""
    found = pc.index_in(table["region"].cast(pa.string()), pa.array(regions, pa.string()))
    place = found.fill_null(-1).to_numpy()
    if (place >= 0).all() and (np.diff(place) >= 0).all():
        return table
    order = np.argsort(place, kind="stable")
    return table.take(pa.array(order[place[order] >= 0]))


def _once_per_arn(table: pa.Table) -> pa.Table:
    """One row for each ARN: AWS may return a resource twice, a global one in several regions.

    The row of the region that the ARN names comes first, then the first row.
    """
    if pc.count_distinct(table["arn"]).as_py() == len(table):
        return table
    arns = table["arn"].to_pandas()
    at_home = arns.str.split(":", n=4).str[3] == table["region"].cast(pa.string()).to_pandas()
    order = np.argsort(~at_home.to_numpy(dtype=bool), kind="stable")
    first = order[~arns.iloc[order].duplicated().to_numpy()]
    return table.take(pa.array(np.sort(first)))


def _excluded(table: pa.Table, policy: Policy) -> dict[Exclusion, NDArray[np.bool_]]:
    """The rows that do not count, by reason. No row has two reasons: the first one applies."""
    types = encoded(table["resource_type"])
    matches = np.array([policy.excludes(type_) for type_ in types.dictionary.to_pylist()], bool)
    return {Exclusion.RESOURCE_TYPE: matches[types.indices.to_numpy()]}


class _Groups:
    """The (region, type) pairs of an account's rows, numbered in the order of their labels."""

    def __init__(self, table: pa.Table) -> None:
        self._regions = sorted(set(encoded(table["region"]).dictionary.to_pylist()))
        self._types = sorted(set(encoded(table["resource_type"]).dictionary.to_pylist()))

    def of(self, table: pa.Table) -> NDArray[np.int64]:
        """The number of each row's group."""
        region = _places(table["region"], self._regions)
        return region * len(self._types) + _places(table["resource_type"], self._types)

    def sizes(self, groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each group, how often its number occurs."""
        return np.bincount(groups, minlength=len(self._regions) * len(self._types))

    def labels(self, groups: NDArray[np.int64]) -> dict[str, list[str]]:
        """The label columns of a row for each of these groups."""
        regions, types = np.divmod(groups, max(len(self._types), 1))
        return {
            "region": [self._regions[at] for at in regions],
            "resource_type": [self._types[at] for at in types],
        }


def _places(column: pa.ChunkedArray, labels: list[str]) -> NDArray[np.int64]:
    """For each row the place of its text in `labels`, which has all of them."""
    texts = encoded(column)
    places = np.array([labels.index(text) for text in texts.dictionary.to_pylist()], np.int64)
    found: NDArray[np.int64] = places[texts.indices.to_numpy()]
    return found


def _summarize_types(
    groups: _Groups, rows: _Rows, group: NDArray[np.int64], compliant: NDArray[np.bool_]
) -> pa.Table:
    """A table of `TYPE_SUMMARY_SCHEMA`; `group` has the group of each candidate."""
    returned = groups.sizes(groups.of(rows.returned))
    used = np.nonzero(returned)[0]

    def sizes(groups_of_rows: NDArray[np.int64]) -> pa.Array:
        return pa.array(groups.sizes(groups_of_rows)[used])

    reasons = TYPE_SUMMARY_SCHEMA.field("excluded").type
    excluded = [sizes(group[rows.excluded[reason]]) for reason in Exclusion]
    columns = {
        **groups.labels(used),
        "returned": returned[used],
        "excluded": pa.StructArray.from_arrays(excluded, fields=list(reasons)),
        "counted": sizes(group[rows.counted]),
        "compliant": sizes(group[rows.counted][compliant]),
    }
    return pa.table(columns, schema=TYPE_SUMMARY_SCHEMA)


def _summarize_rules(
    groups: _Groups,
    group: NDArray[np.int64],
    counted: TaggedResources,
    found: Sequence[tuple[Rule, Violations]],
) -> pa.Table:
    """A table of `RULE_SUMMARY_SCHEMA`; `group` has the group of each counted resource."""
    used = np.nonzero(groups.sizes(group))[0]
    shape = (len(used), len(found))
    evaluated, violations = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for number, (rule, violating) in enumerate(found):
        evaluated[:, number] = groups.sizes(group[rule.applies_to(counted)])[used]
        violations[:, number] = groups.sizes(group[violating.rows])[used]
    columns = {
        **groups.labels(np.repeat(used, len(found))),
        "rule": [str(rule.rule_id) for rule, _ in found] * len(used),
        "evaluated": evaluated.ravel(),
        "violations": violations.ravel(),
    }
    return pa.table(columns, schema=RULE_SUMMARY_SCHEMA)
