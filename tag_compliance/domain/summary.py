"""Every count of a scan: the one place that adds up resources, types, rules and regions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tag_compliance.domain.account import AccountId, AccountName, RegionName
from tag_compliance.domain.counts import Counts, Exclusion
from tag_compliance.domain.organization import DiscoveryStatus
from tag_compliance.domain.owners import OWNER_COUNTS, OWNER_SUMMARY_SCHEMA
from tag_compliance.domain.read_status import AccountReadStatus, Outcome, Source, failures_of
from tag_compliance.domain.rules.required_tag import PREFIX
from tag_compliance.domain.waivers import WaiverUse

_COUNTS = ["returned", "excluded", "counted", "compliant"]
_BY_REASON = pa.struct([pa.field(reason, pa.int64(), nullable=False) for reason in Exclusion])

_LABELS = [pa.field(name, pa.string(), nullable=False) for name in ("region", "resource_type")]

TYPE_SUMMARY_SCHEMA = pa.schema(
    [
        *_LABELS,
        pa.field("returned", pa.int64(), nullable=False),
        pa.field("excluded", _BY_REASON, nullable=False),
        pa.field("counted", pa.int64(), nullable=False),
        pa.field("compliant", pa.int64(), nullable=False),
        pa.field("without_open_findings", pa.int64(), nullable=False),
        pa.field("without_findings", pa.int64(), nullable=False),
    ]
)
"""One row for each type in each counted region, ordered by region and type. `excluded` maps each
`Exclusion` to a count. `compliant` is about the required tags alone; the last two columns are about
all rules of the policy, with and without its waivers."""

RULE_SUMMARY_SCHEMA = pa.schema(
    [
        *_LABELS,
        pa.field("rule", pa.string(), nullable=False),
        pa.field("evaluated", pa.int64(), nullable=False),
        pa.field("violations", pa.int64(), nullable=False),
        pa.field("waived", pa.int64(), nullable=False),
        pa.field("exempted", pa.int64(), nullable=False),
    ]
)
"""One row for each type with counted resources and each rule, ordered by region, type and rule;
rules are in the order of the policy. `waived` are those of `violations` that a waiver covers;
`exempted` are resources that a rule does not apply to because of their own tags."""


EXCLUSION_SCHEMA = pa.schema(
    [
        *_LABELS,
        pa.field("reason", pa.string(), nullable=False),
        pa.field("resources", pa.int64(), nullable=False),
    ]
)
"""The excluded resources of every source that was read, also in regions that do not count: one row
for each type in each region and each `Exclusion` with such resources, ordered by region and type.
"""

NEVER_TAGGED_SCHEMA = pa.schema([*_LABELS, pa.field("resources", pa.int64(), nullable=False)])
"""The resources that only Resource Explorer returned and that are not excluded: one row for each
type in each counted region, ordered by region and type."""


@dataclass(frozen=True)
class AccountSummary:
    """The numbers of one account: `types` has `TYPE_SUMMARY_SCHEMA`, `rules` has
    `RULE_SUMMARY_SCHEMA`, `regions` are the counted regions in the configured order.
    `exclusion_matches` has the number of returned resources that each pattern of
    `excluded_resource_types` matches. `exclusions` has `EXCLUSION_SCHEMA`, `never_tagged` has
    `NEVER_TAGGED_SCHEMA`. `additions` has the number of ARNs by region and by the source whose row
    is used: what this source adds to those before it. `waiver_uses` has the findings that each
    waiver matches.
    """

    regions: tuple[RegionName, ...]
    types: pa.Table
    rules: pa.Table
    exclusion_matches: Mapping[str, int] = field(default_factory=dict)
    exclusions: pa.Table = field(default_factory=EXCLUSION_SCHEMA.empty_table)
    never_tagged: pa.Table = field(default_factory=NEVER_TAGGED_SCHEMA.empty_table)
    additions: Mapping[RegionName, Mapping[Source, int]] = field(default_factory=dict)
    waiver_uses: Mapping[str, WaiverUse] = field(default_factory=dict)
    owners: pa.Table = field(default_factory=OWNER_SUMMARY_SCHEMA.empty_table)
    """Has `OWNER_SUMMARY_SCHEMA`."""

    @cached_property
    def totals(self) -> pa.Table:
        """`types`, where `excluded` is the total of all reasons."""
        excluded = [sum(by_reason.values()) for by_reason in self.types["excluded"].to_pylist()]
        place = self.types.schema.get_field_index("excluded")
        return self.types.set_column(place, "excluded", pa.array(excluded, pa.int64()))

    @cached_property
    def by_region(self) -> dict[RegionName, Counts]:
        """The numbers of each counted region, zeros included."""
        found = dict.fromkeys(self.regions, Counts())
        columns = [self.totals[name].to_pylist() for name in ("region", *_COUNTS)]
        for region, *numbers in zip(*columns, strict=True):
            found[region] += Counts(*numbers)
        if self._requires_tags:
            return found
        return {region: replace(counts, compliant=None) for region, counts in found.items()}

    @property
    def total(self) -> Counts:
        return sum(self.by_region.values(), Counts())

    @property
    def open_findings(self) -> int:
        """Those that no waiver covers."""
        found = sum(self.rules["violations"].to_pylist())
        return int(found - sum(self.rules["waived"].to_pylist()))

    @property
    def _requires_tags(self) -> bool:
        """Not known if nothing is counted: each rule has rows for the types of what is counted."""
        if not sum(self.types["counted"].to_pylist()):
            return True
        return any(rule.startswith(PREFIX) for rule in self.rules["rule"].unique().to_pylist())


@dataclass(frozen=True, slots=True)
class SummarizedAccount:
    """An account's summary under the name, the OU path and the owner that it has now."""

    account_id: AccountId
    account_name: AccountName
    summary: AccountSummary
    ou_path: str = ""
    owner: str = ""
    """Of the resources whose tags name none; empty if nobody is named."""


REGION = ["account_id", "account_name", "region"]
TYPE = [*REGION, "resource_type"]


@dataclass(frozen=True)
class Summary:
    """The numbers of a scan: the summaries of its accounts, in the configured order.

    The frames have the label columns `REGION` or `TYPE` (object) and int64 counts:

    * `by_type`: returned, excluded, counted, compliant, without_open_findings, without_findings;
      ordered by its labels;
    * `by_type_and_rule`: rule, evaluated, violations, waived, exempted; for types with counted
      resources, ordered by the labels and then as the policy orders rules;
    * `by_region`: returned, excluded, counted, compliant for every counted region, zeros included,
      in the configured order;
    * `by_region_and_rule`: rule, evaluated, violations, waived, exempted for every counted region
      and every rule;
    * `by_region_of_policy`: counted, without_open_findings, without_findings for every counted
      region.
    """

    accounts: tuple[SummarizedAccount, ...]
    rules: tuple[str, ...]

    @cached_property
    def total(self) -> Counts:
        return sum(self.by_account.values(), Counts())

    @cached_property
    def by_account(self) -> dict[AccountId, Counts]:
        return {account.account_id: account.summary.total for account in self.accounts}

    @cached_property
    def by_type(self) -> pd.DataFrame:
        return self._frame(TYPE_SUMMARY_SCHEMA.names, lambda summary: summary.totals)

    @cached_property
    def by_type_and_rule(self) -> pd.DataFrame:
        return self._frame(RULE_SUMMARY_SCHEMA.names, lambda summary: summary.rules)

    @cached_property
    def never_tagged(self) -> pd.DataFrame:
        """`resources` by the labels `TYPE`, ordered by them."""
        return self._frame(NEVER_TAGGED_SCHEMA.names, lambda summary: summary.never_tagged)

    @cached_property
    def by_region(self) -> pd.DataFrame:
        rows = [
            (account.account_id, account.account_name, region, *astuple(_as_metrics(counts)))
            for account in self.accounts
            for region, counts in account.summary.by_region.items()
        ]
        frame = pd.DataFrame(rows, columns=[*REGION, *_COUNTS])
        return frame.astype({**dict.fromkeys(REGION, "object"), **dict.fromkeys(_COUNTS, "int64")})

    @cached_property
    def by_region_and_rule(self) -> pd.DataFrame:
        every = self.by_region[REGION]
        repeated = every.loc[every.index.repeat(len(self.rules))].reset_index(drop=True)
        repeated["rule"] = np.tile(np.array(self.rules, dtype=object), len(every))
        labels, numbers = [*REGION, "rule"], ["evaluated", "violations", "waived", "exempted"]
        sums = self.by_type_and_rule.groupby(labels, as_index=False, sort=False)[numbers].sum()
        joined = repeated.merge(sums, on=labels, how="left")
        return joined.fillna(dict.fromkeys(numbers, 0)).astype(dict.fromkeys(numbers, "int64"))

    @cached_property
    def by_region_of_policy(self) -> pd.DataFrame:
        numbers = ["counted", "without_open_findings", "without_findings"]
        sums = self.by_type.groupby(REGION, as_index=False, sort=False)[numbers].sum()
        joined = self.by_region[REGION].merge(sums, on=REGION, how="left")
        return joined.fillna(dict.fromkeys(numbers, 0)).astype(dict.fromkeys(numbers, "int64"))

    @cached_property
    def waiver_uses(self) -> Mapping[str, WaiverUse]:
        """How many findings of all accounts each waiver matches; none for an unknown id."""
        uses = defaultdict[str, WaiverUse](WaiverUse)
        for account in self.accounts:
            for waiver_id, use in account.summary.waiver_uses.items():
                uses[waiver_id] += use
        return uses

    @property
    def has_required_tags(self) -> bool:
        """Without, no resource is compliant or noncompliant, and there are no percentages."""
        return any(rule.startswith(PREFIX) for rule in self.rules)

    @cached_property
    def by_owner(self) -> pd.DataFrame:
        """The columns of `OWNER_COUNTS` for each owner, who is the index; empty: no owner.

        The largest owners come first.
        """
        tables = [
            account.summary.owners.to_pandas().fillna({"owner": account.owner})
            for account in self.accounts
        ]
        frame = pd.concat(tables or [OWNER_SUMMARY_SCHEMA.empty_table().to_pandas()])
        sums = frame.groupby("owner")[[*OWNER_COUNTS]].sum().astype("int64")
        largest: pd.DataFrame = sums.sort_values("counted", ascending=False, kind="stable")
        return largest

    @cached_property
    def unmatched_exclusions(self) -> tuple[str, ...]:
        """The patterns of `excluded_resource_types` that match no resource of any account."""
        matches = Counter[str]()
        for account in self.accounts:
            matches.update(account.summary.exclusion_matches)
        return tuple(pattern for pattern, resources in matches.items() if resources == 0)

    @property
    def open_findings(self) -> int:
        """Of all accounts."""
        return sum(account.summary.open_findings for account in self.accounts)

    @cached_property
    def violations_by_rule(self) -> dict[str, int]:
        """Violations of each rule in all accounts; a rule without any may be absent."""
        sums = self.by_type_and_rule.groupby("rule")["violations"].sum()
        return {str(rule): int(violations) for rule, violations in sums.items()}

    def _frame(
        self, names: list[str], table_of: Callable[[AccountSummary], pa.Table]
    ) -> pd.DataFrame:
        """The columns `names` of the accounts' tables, ordered by account, in one frame."""
        columns: dict[str, list[Any]] = {n: [] for n in ("account_id", "account_name", *names)}
        for account in sorted(self.accounts, key=lambda a: (a.account_id, a.account_name)):
            table = table_of(account.summary)
            columns["account_id"] += [account.account_id] * len(table)
            columns["account_name"] += [account.account_name] * len(table)
            for name in names:
                columns[name] += table[name].to_pylist()
        labels = {*TYPE, "rule"}
        return pd.DataFrame(
            {
                name: pd.Series(column, dtype="object" if name in labels else "int64")
                for name, column in columns.items()
            }
        )


def _as_metrics(counts: Counts) -> Counts:
    """As counts, which metrics publish in any case, all have every key if none is required."""
    return replace(counts, compliant=counts.counted) if counts.compliant is None else counts


def percentages(frame: pd.DataFrame, part: str, whole: str) -> pd.Series:
    """`counts.percentage` for each row of a frame in which no `whole` is 0."""
    return 100.0 * frame[part] / frame[whole]


@dataclass(frozen=True)
class ComplianceResults:
    """The results of a scan: one status for each target, in the configured order, and the summary
    of what counts. `of_all_accounts` is False if the scan read only some of the accounts.
    `discovery` is None if no account comes from AWS Organizations. `day` is the UTC day of the
    scan's start, on which waivers were valid; None: it is not known.
    """

    statuses: tuple[AccountReadStatus, ...]
    summary: Summary
    of_all_accounts: bool = False
    discovery: DiscoveryStatus | None = None
    day: date | None = None

    @property
    def regions_configured(self) -> int:
        return sum(len(status.regions) for status in self.statuses)

    @property
    def regions_read(self) -> int:
        return sum(region.succeeded for status in self.statuses for region in status.regions)

    @property
    def outcome(self) -> Outcome:
        if self.regions_read == 0:
            return Outcome.NOTHING
        complete = self.regions_read == self.regions_configured
        return Outcome.COMPLETE if complete else Outcome.PARTIAL

    @property
    def unmatched_exclusions(self) -> tuple[str, ...]:
        """The exclusion patterns without effect; known only after a scan that read everything."""
        known = self.of_all_accounts and self.outcome is Outcome.COMPLETE
        return self.summary.unmatched_exclusions if known else ()

    @property
    def failures(self) -> tuple[str, ...]:
        """One line for a person for each account or region that was not read."""
        return failures_of(self.statuses)
