"""Findings: one row for each rule that a resource violates."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.resources import LABEL, constant_column, encoded, stable_order
from tag_compliance.domain.rules.base import Rule, Violations

FINDING_SCHEMA = pa.schema(
    [
        pa.field("account_id", LABEL, nullable=False),
        pa.field("region", LABEL, nullable=False),
        pa.field("arn", pa.string(), nullable=False),
        pa.field("resource_type", LABEL, nullable=False),
        pa.field("rule", LABEL, nullable=False),
        pa.field("severity", LABEL, nullable=False),
        pa.field("state", LABEL, nullable=False),
        pa.field("waiver", LABEL),
        pa.field("codes", pa.list_(pa.string()), nullable=False),
        pa.field("tag", LABEL, nullable=False),
        pa.field("source", LABEL, nullable=False),
    ]
)
"""(account_id, arn, rule) is unique. `region` is the one that was read; `state` is a
`FindingState`; `waiver` is the id of the waiver that covers the finding, or null; `codes` are
`Code`s; `tag` is the key that the rule is about; `source` is a `Source`. Rows are ordered by
resource and then by rule, as in the resource table and the policy.
"""


class FindingState(StrEnum):
    """Whether a finding is open or covered by a waiver."""

    OPEN = "open"
    WAIVED = "waived"


def build_findings(
    account_id: AccountId,
    resources: pa.Table,
    found: Sequence[tuple[Rule, Violations]],
    waived: Sequence[NDArray[np.int64]] = (),
    waiver_ids: Sequence[str] = (),
) -> pa.Table:
    """The findings of one account's counted resources: a table of `FINDING_SCHEMA`.

    `waived` has for each rule the number of the waiver of each violation; negative: it is open.
    Without it, all are open.
    """
    if not found:
        return FINDING_SCHEMA.empty_table()
    rows = np.concatenate([violations.rows for _, violations in found])
    rule = np.repeat(np.arange(len(found)), [len(v.rows) for _, v in found])
    # Stable, so that the rules of one resource keep their order.
    order = stable_order(rows, len(resources))
    rows, rule = pa.array(rows[order]), rule[order]
    waiver = np.concatenate(waived)[order] if waived else np.full(len(order), -1)
    rules = [rule_ for rule_, _ in found]
    columns = {
        "account_id": constant_column(account_id, len(rule)),
        "region": resources["region"].take(rows),
        "arn": resources["arn"].take(rows),
        "resource_type": resources["resource_type"].take(rows),
        "rule": _choice([r.rule_id for r in rules], rule),
        "severity": _choice([r.severity for r in rules], rule),
        "state": _choice([FindingState.OPEN, FindingState.WAIVED], (waiver >= 0).astype(np.int32)),
        "waiver": _choice(waiver_ids, waiver),
        "codes": _codes([violations for _, violations in found], order),
        "tag": _tags(found, order),
        "source": resources["source"].take(rows),
    }
    return pa.table(columns, schema=FINDING_SCHEMA)


def _codes(found: Sequence[Violations], order: np.ndarray) -> pa.Array:
    distinct = [[str(code) for code in codes] for v in found for codes in v.codes]
    sizes = [len(violations.codes) for violations in found]
    starts = np.cumsum([0, *sizes[:-1]])
    which = np.concatenate([v.which + start for v, start in zip(found, starts, strict=True)])
    return pa.array(distinct, pa.list_(pa.string())).take(pa.array(which[order]))


def _tags(found: Sequence[tuple[Rule, Violations]], order: np.ndarray) -> pa.DictionaryArray:
    columns = [
        constant_column(rule.tag, len(v.rows)) if v.tags is None else v.tags.dictionary_encode()
        for rule, v in found
    ]
    return encoded(pa.chunked_array(columns)).take(pa.array(order))


def _choice(texts: Sequence[str], which: np.ndarray) -> pa.DictionaryArray:
    """The text of each number, null for a negative one; equal texts share an entry."""
    numbers = pa.array(which, mask=which < 0)
    return pa.array([str(t) for t in texts], pa.string()).dictionary_encode().take(numbers)
