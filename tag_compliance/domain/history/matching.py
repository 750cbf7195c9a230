"""Joins the tracked findings of an account with what a reading found.

Everything is positions and numbers: no Python loop runs over resources or findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.findings import FindingState
from tag_compliance.domain.history.reading import (
    AccountReading,
    Place,
    distinct_texts,
    place_numbers,
)
from tag_compliance.domain.history.state import AccountHistory
from tag_compliance.domain.resources import has_text, text_numbers

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Present:
    """The resources of the configured places: `table` has `PRESENT_SCHEMA`, and each row has the
    position of its place in `places`. `read` flags rows whose place this scan read.
    """

    table: pa.Table
    places: tuple[Place, ...]
    place: Ints
    read: Flags
    excluded: Flags

    @classmethod
    def of(cls, reading: AccountReading, known: tuple[Place, ...]) -> Self:
        """`known` places keep their positions; the other ones follow in a fixed order."""
        places = known + tuple(sorted(reading.configured - set(known)))
        numbers = place_numbers(reading.resources, places)
        configured = np.array([place in reading.configured for place in places] + [False])
        kept = configured[numbers]
        table, numbers = reading.resources.filter(pa.array(kept)), numbers[kept]
        was_read = np.array([place in reading.results for place in places], dtype=bool)
        read = was_read[numbers]
        excluded = table["excluded"].to_numpy().astype(bool)
        return cls(table, places, numbers, read, excluded)

    def positions_of(self, arns: pa.ChunkedArray) -> Ints:
        """For each ARN the row of the resource, or -1."""
        if not len(self.table) or not len(arns):
            return np.full(len(arns), -1, dtype=np.int64)
        found = pc.index_in(arns, self.table["arn"].combine_chunks())
        rows: Ints = found.fill_null(-1).to_numpy().astype(np.int64)
        return rows


@dataclass(frozen=True)
class Found:
    """The findings of resources that were read: `resource` is the row of each in `Present`, `rule`
    the position of its rule in `rules`.
    """

    table: pa.Table
    resource: Ints
    rule: Ints
    waived: Flags

    @classmethod
    def of(cls, reading: AccountReading, present: Present, rules: tuple[str, ...]) -> Self:
        resource = present.positions_of(reading.findings["arn"])
        counts = flags_of(present.read & ~present.excluded, resource)
        table, resource = reading.findings.filter(pa.array(counts)), resource[counts]
        waived = has_text(table["state"], FindingState.WAIVED)
        return cls(table, resource, text_numbers(table["rule"], rules), waived)


@dataclass(frozen=True)
class Matching:
    """The tracked findings joined with the resources and findings of a reading.

    `resource` is for each tracked finding the row of its resource, `finding` that of its finding;
    both are -1 without one. `tracked_row` is the reverse: for each finding its tracked row.
    """

    present: Present
    found: Found
    rules: tuple[str, ...]
    rule: Ints
    place: Ints
    resource: Ints
    finding: Ints
    tracked_row: Ints

    @classmethod
    def of(cls, before: AccountHistory, reading: AccountReading) -> Self:
        tracked = before.tracked
        rules = tuple(
            dict.fromkeys(
                [
                    *map(str, reading.rules),
                    *distinct_texts(tracked["rule"]),
                    *distinct_texts(reading.findings["rule"]),
                ]
            )
        )
        present = Present.of(reading, before.places)
        found = Found.of(reading, present, rules)
        rule = text_numbers(tracked["rule"], rules)
        resource = present.positions_of(tracked["arn"])
        keys = np.where(resource >= 0, resource * len(rules) + rule, -1)
        finding = positions(keys, found.resource * len(rules) + found.rule)
        tracked_row = np.full(len(found.table), -1, dtype=np.int64)
        matched = np.nonzero(finding >= 0)[0]
        tracked_row[finding[matched]] = matched
        place = place_numbers(tracked, present.places)
        return cls(present, found, rules, rule, place, resource, finding, tracked_row)


def flags_of(condition: Flags, numbers: Ints) -> Flags:
    """`condition` of each number; False for -1."""
    flags: Flags = np.append(condition, False)[numbers]
    return flags


def positions(keys: Ints, of: Ints) -> Ints:
    """For each key its position in `of`, whose keys are unique, or -1."""
    if not len(of):
        return np.full(len(keys), -1, dtype=np.int64)
    order = np.argsort(of, kind="stable")
    places = np.searchsorted(of, keys, sorter=order).clip(max=len(of) - 1)
    return np.where(of[order[places]] == keys, order[places], -1)
