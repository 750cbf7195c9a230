"""One reading of an account, as the history needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountId, AccountName
from tag_compliance.domain.resources import LABEL, encoded
from tag_compliance.domain.severity import Severity

PRESENT_SCHEMA = pa.schema(
    [
        pa.field("arn", pa.string(), nullable=False),
        pa.field("region", LABEL, nullable=False),
        pa.field("source", LABEL, nullable=False),
        pa.field("excluded", pa.bool_(), nullable=False),
    ]
)
"""The known resources of an account, each ARN once, also those of places that this scan did not
read. `excluded` resources do not count."""


class Place(NamedTuple):
    """One source in one region of an account: the smallest part that is read or not read.

    `source` is the name of a `Source`, also of one that this version does not know any more.
    """

    region: str
    source: str


@dataclass(frozen=True, slots=True)
class TrackedRule:
    """A rule of the policy. `version` changes when a field changes that affects its result."""

    severity: Severity
    version: str


@dataclass(frozen=True, slots=True)
class RuleNumbers:
    """How many counted resources of an account a rule applies to, and how many pass it."""

    resources: int
    compliant: int


@dataclass(frozen=True)
class AccountReading:
    """What a scan knows of one account.

    `started_at` and the number of its run, `reading_run`, identify the reading. `configured` are
    the places that the scan had to read; `results` says of those that it read to the last page when
    that was (a reused result is older than the reading). `resources` has `PRESENT_SCHEMA`;
    `findings` has `FINDING_SCHEMA`, at least for the resources of the places that were read.
    `rules` are those of the policy by id, in its order; `numbers` are the counts of the account for
    each rule.
    """

    account_id: AccountId
    account_name: AccountName
    started_at: datetime
    configured: frozenset[Place]
    results: Mapping[Place, datetime]
    resources: pa.Table
    findings: pa.Table
    rules: Mapping[str, TrackedRule]
    numbers: Mapping[str, RuleNumbers] = field(default_factory=dict)
    reading_run: int = 0

    @cached_property
    def versions(self) -> dict[str, str]:
        """The versions of the rules by id."""
        return {str(rule): tracked.version for rule, tracked in self.rules.items()}


def place_numbers(table: pa.Table, places: Sequence[Place]) -> NDArray[np.int64]:
    """For each row the position of its `region` and `source` in `places`, or -1."""
    regions, sources = encoded(table["region"]), encoded(table["source"])
    known = {place: number for number, place in enumerate(places)}
    names = regions.dictionary.to_pylist(), sources.dictionary.to_pylist()
    numbers = [[known.get(Place(region, source), -1) for source in names[1]] for region in names[0]]
    table_of = np.array(numbers, dtype=np.int64).reshape(len(names[0]), len(names[1]))
    found: NDArray[np.int64] = table_of[regions.indices.to_numpy(), sources.indices.to_numpy()]
    return found


def distinct_texts(column: pa.ChunkedArray) -> list[str]:
    """The texts that occur in a column of type `LABEL`."""
    values = encoded(column)
    used = np.unique(values.indices.to_numpy())
    texts: list[str] = values.dictionary.take(pa.array(used)).to_pylist()
    return list(dict.fromkeys(texts))
