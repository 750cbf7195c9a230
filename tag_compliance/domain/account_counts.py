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
from tag_compliance.domain.summary import (
    EXCLUSION_SCHEMA,
    NEVER_TAGGED_SCHEMA,
    RULE_SUMMARY_SCHEMA,
    TYPE_SUMMARY_SCHEMA,
)

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
    """Counts the rows of an account's sources: a merged table of `RESOURCE_SCHEMA`.

    `counting` flags the rows of regions and sources that count, and `counted` the resources.
    """

    def __init__(self, table: pa.Table, counted: Flags, counting: Flags) -> None:
        self._groups = _Groups(table)
        self._counting = counting
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
        """A table of `TYPE_SUMMARY_SCHEMA`; `excluded` flags rows."""
        of_row, counting, sizes = self._groups.of_row, self._counting, self._groups.sizes
        used = self._groups.used(of_row[counting])
        by_reason = [pa.array(sizes(of_row[excluded[why] & counting])[used]) for why in Exclusion]
        reasons = list(TYPE_SUMMARY_SCHEMA.field("excluded").type)
        columns = {
            **self._groups.labels(used),
            "returned": sizes(of_row[counting])[used],
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
        texts = pa.array([str(r.rule.rule_id) for r in rules], pa.string())
        violations = [r.violations.rows for r in rules]
        waived = [r.violations.rows[w >= 0] for r, w in zip(rules, waivers, strict=True)]
        columns = {
            **self._groups.labels(np.repeat(used, len(rules)).tolist()),
            "rule": texts.take(pa.array(np.tile(np.arange(len(rules)), len(used)))),
            "evaluated": _by_group([r.evaluated[used] for r in rules]),
            "violations": _by_group([sizes(self._group[rows])[used] for rows in violations]),
            "waived": _by_group([sizes(self._group[rows])[used] for rows in waived]),
            "exempted": _by_group([r.exempted[used] for r in rules]),
        }
        return pa.table(columns, schema=RULE_SUMMARY_SCHEMA)

    def exclusions(self, excluded: Mapping[Exclusion, Flags]) -> pa.Table:
        """A table of `EXCLUSION_SCHEMA`: the rows of every source, whether they count or not."""
        groups = self._groups
        sizes = {why: groups.sizes(groups.of_row[flags]) for why, flags in excluded.items()}
        used = groups.used(groups.of_row[np.any([*excluded.values()], axis=0)])
        found = [(group, why) for group in used for why in Exclusion if sizes[why][group]]
        columns = {
            **groups.labels([group for group, _ in found]),
            "reason": [str(why) for _, why in found],
            "resources": [int(sizes[why][group]) for group, why in found],
        }
        return pa.table(columns, schema=EXCLUSION_SCHEMA)

    def never_tagged(self, flags: Flags) -> pa.Table:
        """A table of `NEVER_TAGGED_SCHEMA` of the rows that are flagged."""
        of_row = self._groups.of_row[flags]
        used = self._groups.used(of_row)
        columns = {**self._groups.labels(used), "resources": self._groups.sizes(of_row)[used]}
        return pa.table(columns, schema=NEVER_TAGGED_SCHEMA)

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

    def labels(self, groups: Sequence[int]) -> dict[str, pa.Array]:
        """The label columns of a row for each of these groups."""
        regions, types = ([label[n] for label in self._labels] for n in (0, 1))
        of_row = pa.array(groups, pa.int64())
        return {
            "region": pa.array(regions, pa.string()).take(of_row),
            "resource_type": pa.array(types, pa.string()).take(of_row),
        }
