"""The counts of one account by region, type and rule."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.counts import Exclusion
from tag_compliance.domain.resources import encoded
from tag_compliance.domain.rules.base import Rule, RuleId, Violations
from tag_compliance.domain.summary import RULE_SUMMARY_SCHEMA, TYPE_SUMMARY_SCHEMA

Flags = NDArray[np.bool_]
Waivers = Sequence[NDArray[np.int64]]
"""For each rule the waiver of each of its violations; negative: it is open."""


@dataclass(frozen=True, slots=True)
class _RuleCounts:
    """One rule: how many resources of each group it applies to, and does not because of a tag."""

    rule: Rule
    violations: Violations
    evaluated: NDArray[np.int64]
    exempted: NDArray[np.int64]


class AccountCounts:
    """Counts the rows that AWS returned for an account; `counted` flags those that count."""

    def __init__(self, returned: pa.Table, counted: Flags) -> None:
        self._groups = _Groups(returned)
        self._counted = counted
        self._group = self._groups.of_row[counted]
        self._rules: list[_RuleCounts] = []

    def add_rule(
        self, rule: Rule, applies: Flags, exempted: Flags | None, violations: Violations
    ) -> None:
        """Each rule of the policy, in its order; the flags are for each counted resource."""
        none = np.zeros(0, dtype=np.int64) if exempted is None else self._group[exempted]
        sizes = self._groups.sizes
        evaluated = sizes(self._group[applies])
        self._rules.append(_RuleCounts(rule, violations, evaluated, sizes(none)))

    def by_type(
        self,
        excluded: Mapping[Exclusion, Flags],
        required: Collection[RuleId],
        waivers: Waivers,
    ) -> pa.Table:
        """A table of `TYPE_SUMMARY_SCHEMA`; `excluded` flags returned rows."""
        of_row, sizes = self._groups.of_row, self._groups.sizes
        used = self._groups.used(of_row)
        by_reason = [pa.array(sizes(of_row[excluded[why]])[used]) for why in Exclusion]
        reasons = list(TYPE_SUMMARY_SCHEMA.field("excluded").type)
        columns = {
            **self._groups.labels(used),
            "returned": sizes(of_row)[used],
            "excluded": pa.StructArray.from_arrays(by_reason, fields=reasons),
            "counted": sizes(self._group)[used],
        }
        violating = {
            "compliant": [r.violations.rows for r in self._rules if r.rule.rule_id in required],
            "without_open_findings": self._rows_of_open(waivers),
            "without_findings": [r.violations.rows for r in self._rules],
        }
        for name, rows in violating.items():
            columns[name] = sizes(self._group[self._without(rows)])[used]
        return pa.table(columns, schema=TYPE_SUMMARY_SCHEMA)

    def by_rule(self, waivers: Waivers) -> pa.Table:
        """A table of `RULE_SUMMARY_SCHEMA`."""
        rules, sizes, used = self._rules, self._groups.sizes, self._groups.used(self._group)
        violations = [r.violations.rows for r in rules]
        waived = [r.violations.rows[w >= 0] for r, w in zip(rules, waivers, strict=True)]
        columns = {
            **self._groups.labels(group for group in used for _ in rules),
            "rule": [str(r.rule.rule_id) for r in rules] * len(used),
            "evaluated": _by_group([r.evaluated[used] for r in rules]),
            "violations": _by_group([sizes(self._group[rows])[used] for rows in violations]),
            "waived": _by_group([sizes(self._group[rows])[used] for rows in waived]),
            "exempted": _by_group([r.exempted[used] for r in rules]),
        }
        return pa.table(columns, schema=RULE_SUMMARY_SCHEMA)

    def _rows_of_open(self, waivers: Waivers) -> list[NDArray[np.int64]]:
        pairs = zip(self._rules, waivers, strict=True)
        return [counts.violations.rows[waived < 0] for counts, waived in pairs]

    def _without(self, violating: Iterable[NDArray[np.int64]]) -> Flags:
        """Flags the counted resources that are in none of these lists."""
        flags = np.ones(len(self._group), dtype=bool)
        for rows in violating:
            flags[rows] = False
        return flags


def _by_group(of_rules: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """From the counts of each rule to those of each group."""
    return np.ravel(np.array(of_rules, dtype=np.int64), order="F")


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
