"""Which waiver covers each finding of an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.arn_index import ArnIndex
from tag_compliance.domain.resources import TaggedResources, stable_order
from tag_compliance.domain.rules.base import Violations
from tag_compliance.domain.scope import Selection
from tag_compliance.domain.waivers import Waiver, WaiverState, WaiverUse

_NONE = -1


@dataclass(frozen=True)
class Waived:
    """For each rule, the number of the waiver of each of its violations; -1: it is open. `uses`
    has one entry for each waiver, in the order of the policy.
    """

    waivers: tuple[NDArray[np.int64], ...]
    uses: tuple[WaiverUse, ...]


def waive(
    waivers: Sequence[Waiver],
    covered_rules: Sequence[NDArray[np.int64]],
    resources: TaggedResources,
    found: Sequence[Violations],
    day: date,
) -> Waived:
    """Which waiver covers each violation of an account's resources.

    `covered_rules` has the numbers of the rules that each waiver is about, `found` the violations
    of each rule. If several waivers match, the one that expires last is named, of two that expire
    on the same day the first one. An expired waiver matches, but does not cover.
    """
    findings = _Findings(resources, found)
    named = np.full(len(findings.rows), _NONE, dtype=np.int64)
    matched = [0] * len(waivers)
    # The one to be named comes last.
    for number in sorted(range(len(waivers)), key=lambda n: (waivers[n].expires, -n)):
        waiver = waivers[number]
        places = findings.matching(waiver, covered_rules[number])
        matched[number] = len(places)
        if waiver.state(day) is WaiverState.ACTIVE:
            named[places] = number
    counts = np.bincount(named[named >= 0], minlength=len(waivers))
    uses = tuple(WaiverUse(m, int(n)) for m, n in zip(matched, counts, strict=True))
    return Waived(tuple(named[s:e] for s, e in findings.of_rule), uses)


class _Findings:
    """The violations of all rules, rule by rule, and the resources that have any."""

    def __init__(self, resources: TaggedResources, found: Sequence[Violations]) -> None:
        self._resources = resources
        self._selected: dict[object, NDArray[np.bool_]] = {}
        rows = [violations.rows for violations in found]
        self.rows = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
        ends = np.cumsum([len(r) for r in rows]).tolist()
        self.of_rule = list(zip([0, *ends[:-1]], ends, strict=True)) if ends else []

    def matching(self, waiver: Waiver, rules: NDArray[np.int64]) -> NDArray[np.int64]:
        """The places of the findings that the waiver matches."""
        resources, match = self._resources, waiver.match
        if not len(rules) or not match.matches_account(resources.account_id, resources.units):
            return np.zeros(0, dtype=np.int64)
        if match.regions is None and match.types is None and waiver.arns is None:
            return np.concatenate([np.arange(*self.of_rule[rule]) for rule in rules])
        selected = self._in_lists(match)
        if waiver.arns is None:
            return self._of_resources(np.flatnonzero(selected), rules)
        places = self._arns.matching(waiver.arns)
        return self._of_resources(places[selected[places]], rules)

    def _in_lists(self, match: Selection) -> NDArray[np.bool_]:
        """The violating resources whose region and type match; many waivers have the same lists."""
        regions, types = Selection(regions=match.regions), Selection(types=match.types)
        if match.regions is None:
            return self._in_list(match.types, types)
        if match.types is None:
            return self._in_list(match.regions, regions)
        in_regions = self._in_list(match.regions, regions)
        return in_regions & self._in_list(match.types, types)

    def _in_list(self, key: object, match: Selection) -> NDArray[np.bool_]:
        if key not in self._selected:
            self._selected[key] = match.rows_of_table(self._violating)
        return self._selected[key]

    def _of_resources(
        self, resources: NDArray[np.integer], rules: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The findings of these violating resources that are about these rules."""
        if not len(resources):
            return np.zeros(0, dtype=np.int64)
        places, starts, sizes, rule_of = self._by_resource
        chosen = sizes[resources]
        ends = chosen.cumsum()
        found: NDArray[np.int64] = places[
            np.repeat(starts[resources] - ends + chosen, chosen) + np.arange(ends[-1])
        ]
        covered = np.zeros(len(self.of_rule), dtype=bool)
        covered[rules] = True
        return found[covered[rule_of[found]]]

    @cached_property
    def _flags(self) -> NDArray[np.bool_]:
        """Whether each resource has a finding."""
        flags = np.zeros(len(self._resources), dtype=bool)
        flags[self.rows] = True
        return flags

    @cached_property
    def _violating(self) -> pa.Table:
        """The resources with a finding, each once."""
        table = self._resources.table.select(["region", "arn", "resource_type"])
        return table.filter(pa.array(self._flags)).combine_chunks()

    @cached_property
    def _by_resource(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The places of all findings, ordered by resource; where those of each violating resource
        begin, and how many they are; the rule of each finding.
        """
        places = stable_order(self.rows, len(self._resources))
        sizes = np.bincount(self.rows, minlength=len(self._resources))[self._flags]
        rules = np.repeat(np.arange(len(self.of_rule)), [end - s for s, end in self.of_rule])
        return places, np.cumsum(sizes) - sizes, sizes, rules

    @cached_property
    def _arns(self) -> ArnIndex:
        return ArnIndex(self._violating["arn"].combine_chunks())
