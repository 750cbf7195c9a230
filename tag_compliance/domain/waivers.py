"""Waivers: findings that the company accepts until a day."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.globs import Globs, flags
from tag_compliance.domain.resources import TaggedResources
from tag_compliance.domain.rules.base import Violations
from tag_compliance.domain.scope import Selection

_NONE = -1
_LAST_CHARACTER = "\U0010ffff"


class WaiverState(StrEnum):
    """Whether a waiver holds on a day."""

    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Waiver:
    """`rules` are globs of rule ids; a resource is covered if `match` selects it and one of `arns`
    matches its ARN. `expires` is the last day on which the waiver is valid, in UTC.
    """

    waiver_id: str
    rules: Globs
    match: Selection
    expires: date
    arns: Globs | None = None
    reason: str = ""
    owner: str = ""
    ticket: str = ""

    def state(self, day: date) -> WaiverState:
        return WaiverState.ACTIVE if day <= self.expires else WaiverState.EXPIRED

    @property
    def ends_at(self) -> datetime:
        """The first moment at which the waiver is not valid any more."""
        return datetime.combine(self.expires + timedelta(days=1), time(), UTC)


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """How many findings a waiver matches, and of how many it is the waiver that is named."""

    matched: int = 0
    named: int = 0

    def __add__(self, other: WaiverUse) -> WaiverUse:
        return WaiverUse(self.matched + other.matched, self.named + other.named)


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
        resources, none = self._resources, np.zeros(0, dtype=np.int64)
        if not waiver.match.matches_account(resources.account_id, resources.units):
            return none
        ranges = [self.of_rule[rule] for rule in rules]
        if waiver.match.regions is None and waiver.match.types is None and waiver.arns is None:
            return np.concatenate([none, *(np.arange(*places) for places in ranges)])
        _, which = self._violating
        selected = self._in_lists(waiver.match)
        if waiver.arns is not None and selected.any():
            selected = selected & self._arns.matching(waiver.arns)
        if not selected.any():
            return none
        found = (start + np.flatnonzero(selected[which[start:end]]) for start, end in ranges)
        return np.concatenate([none, *found])

    def _in_lists(self, match: Selection) -> NDArray[np.bool_]:
        """The violating resources whose region and type match; many waivers have the same lists."""
        key = match.regions, match.types
        if key not in self._selected:
            self._selected[key] = match.rows_of_table(self._violating[0])
        return self._selected[key]

    @cached_property
    def _violating(self) -> tuple[pa.Table, NDArray[np.intp]]:
        """The resources with a finding, each once, and which of them each finding is about."""
        flags = np.zeros(len(self._resources), dtype=bool)
        flags[self.rows] = True
        place = np.cumsum(flags) - 1
        table = self._resources.table.select(["region", "arn", "resource_type"])
        return table.filter(pa.array(flags)).combine_chunks(), place[self.rows]

    @cached_property
    def _arns(self) -> _Arns:
        return _Arns(self._violating[0]["arn"].combine_chunks())


class _Arns:
    """ARNs in their order, in which those that begin like a glob follow each other."""

    def __init__(self, arns: pa.Array) -> None:
        self._order = pc.sort_indices(arns).to_numpy()
        self._sorted = arns.take(pa.array(self._order))
        self._texts: list[str] = self._sorted.to_pylist()

    def matching(self, globs: Globs) -> NDArray[np.bool_]:
        """For each ARN whether one of the globs matches it."""
        found = np.zeros(len(self._order), dtype=bool)
        for text in globs.texts:
            beginning = text.partition("*")[0]
            first = bisect.bisect_left(self._texts, beginning)
            end = bisect.bisect_right(self._texts, beginning + _LAST_CHARACTER, lo=first)
            if first < end:
                arns, order = self._sorted.slice(first, end - first), self._order[first:end]
                # Comparing the ends takes a tenth of the time of a regular expression.
                ends = np.flatnonzero(flags(pc.ends_with(arns, text.rpartition("*")[2])))
                matched = Globs((text,)).mask(arns.take(pa.array(ends)))
                found[order[ends][matched]] = True
        return found
