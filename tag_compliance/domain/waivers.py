"""Waivers: findings that the company accepts until a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.globs import Globs
from tag_compliance.domain.resources import TaggedResources
from tag_compliance.domain.rules.base import Rule, Violations
from tag_compliance.domain.scope import Selection

_NONE = -1


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
    resources: TaggedResources,
    found: Sequence[tuple[Rule, Violations]],
    day: date,
) -> Waived:
    """Which waiver covers each violation of an account's resources.

    If several match, the one that expires last is named, of two that expire on the same day the
    first one. An expired waiver matches, but does not cover.
    """
    findings = _Findings(resources, found)
    named = np.full(len(findings.rows), _NONE, dtype=np.int64)
    matched = [0] * len(waivers)
    # The one to be named comes last.
    for number in sorted(range(len(waivers)), key=lambda n: (waivers[n].expires, -n)):
        waiver = waivers[number]
        places = findings.matching(waiver)
        matched[number] = len(places)
        if waiver.state(day) is WaiverState.ACTIVE:
            named[places] = number
    counts = np.bincount(named[named >= 0], minlength=len(waivers))
    uses = tuple(WaiverUse(m, int(n)) for m, n in zip(matched, counts, strict=False))
    return Waived(tuple(named[s:e] for s, e in findings.of_rule), uses)


class _Findings:
    """The violations of all rules, rule by rule."""

    def __init__(
        self, resources: TaggedResources, found: Sequence[tuple[Rule, Violations]]
    ) -> None:
        self._resources = resources
        self._rule_ids = pa.array([str(rule.rule_id) for rule, _ in found], pa.string())
        rows = [violations.rows for _, violations in found]
        self.rows = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
        ends = np.cumsum([len(r) for r in rows]).tolist()
        self.of_rule = list(zip([0, *ends[:-1]], ends, strict=True)) if ends else []

    def matching(self, waiver: Waiver) -> NDArray[np.int64]:
        """The places of the findings that the waiver matches."""
        resources = self._resources
        none = np.zeros(0, dtype=np.int64)
        if not waiver.match.matches_account(resources.account_id, resources.units):
            return none
        rules = np.flatnonzero(waiver.rules.mask(self._rule_ids))
        places = np.concatenate([none, *(np.arange(*self.of_rule[rule]) for rule in rules)])
        if waiver.match.regions is None and waiver.match.types is None and waiver.arns is None:
            return places
        # A resource that violates several rules is matched once.
        distinct, which = np.unique(self.rows[places], return_inverse=True)
        table = self._table.take(pa.array(distinct))
        selected = waiver.match.rows_of_table(table)
        if waiver.arns is not None:
            candidates = np.flatnonzero(selected)
            arns = table["arn"].combine_chunks().take(pa.array(candidates))
            selected[candidates] = waiver.arns.mask(arns)
        matching: NDArray[np.int64] = places[selected[which]]
        return matching

    @cached_property
    def _table(self) -> pa.Table:
        return self._resources.table.select(["region", "arn", "resource_type"])
