"""Applying the policy to the resources of one account.

Vectorised: no Python loop runs over resources here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.account_counts import AccountCounts
from tag_compliance.domain.counts import Exclusion
from tag_compliance.domain.findings import build_findings
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.resources import AccountInventory, TaggedResources
from tag_compliance.domain.summary import AccountSummary
from tag_compliance.domain.type_patterns import matched_rows
from tag_compliance.domain.waivers import waive


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything besides the resources that a result of the evaluation depends on.

    A stored evaluation with an equal basis is still right. `regions` are the regions that count.
    """

    policy_version: str
    day: date
    """The UTC day of the scan's start."""

    regions: tuple[RegionName, ...]

    units: tuple[str, ...] = ()
    """The organizational units that contain the account, if the policy depends on them."""


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

    A region that could not be read does not count, unless `keep_since` is given and its last good
    reading is not older than that.
    """
    regions = tuple(
        region.region
        for region in status.regions
        if region.succeeded
        or (keep_since and region.last_success_at and region.last_success_at >= keep_since)
    )
    known = units if policy.depends_on_units else ()
    return Basis(policy.version, scan_started_at.date(), regions, known)


def evaluate(inventory: AccountInventory, policy: Policy, basis: Basis) -> Evaluation:
    """The findings and the summary of one account's resources."""
    rows, account_id = _Rows.of(inventory, policy, basis), inventory.status.account_id
    table = rows.returned.filter(pa.array(rows.counted))
    counted = TaggedResources(table, account_id, basis.units)
    counts = AccountCounts(rows.returned, rows.counted)
    found = []
    for rule in policy.rules:
        applies = rule.applies_to(counted)
        violations = rule.violations(counted, applies)
        counts.add_rule(rule, applies, rule.exempted_by_tag(counted), violations)
        found.append((rule, violations))
    ids = [str(waiver.waiver_id) for waiver in policy.waivers]
    violating = [violations for _, violations in found]
    waived = waive(policy.waivers, policy.covered_rules, counted, violating, basis.day)
    findings = build_findings(account_id, table, found, waived.waivers, ids)
    types = counts.by_type(rows.excluded, policy.required_rule_ids, waived.waivers)
    rules = counts.by_rule(waived.waivers)
    uses = dict(zip(ids, waived.uses, strict=True))
    summary = AccountSummary(basis.regions, types, rules, rows.exclusion_matches, uses)
    return Evaluation(inventory.status, basis, findings, summary)


def counted_resources(inventory: AccountInventory, policy: Policy, basis: Basis) -> pa.Table:
    """The rows of `RESOURCE_SCHEMA` that count, each ARN once."""
    rows = _Rows.of(inventory, policy, basis)
    return rows.returned.filter(pa.array(rows.counted))


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
