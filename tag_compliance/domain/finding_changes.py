"""What becomes of the findings of one account when another policy is applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.findings import FindingState

_KEYS = ["arn", "rule"]


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding whose state differs. `before` and `after` are None where there is no finding.

    `codes` and `waiver` are those of the finding afterwards or, without one, before.
    """

    account_id: AccountId
    region: str
    arn: str
    resource_type: str
    rule: str
    before: FindingState | None
    after: FindingState | None
    codes: tuple[str, ...]
    waiver: str | None


@dataclass(frozen=True)
class FindingChanges:
    """The changes in one account, ordered by rule and ARN, without building each of them.

    `gained` and `lost` count by rule: findings that are open only afterwards, or only before.
    """

    account_id: AccountId
    before: pa.Table
    after: pa.Table
    changed: pa.Table
    gained: dict[str, int]
    lost: dict[str, int]

    @classmethod
    def between(cls, account_id: AccountId, before: pa.Table, after: pa.Table) -> FindingChanges:
        """`before` and `after` are tables of `FINDING_SCHEMA`, of the same resources."""
        joined = _states(before, "before").join(
            _states(after, "after"), keys=_KEYS, join_type="full outer", use_threads=False
        )
        differs = pc.not_equal(_or_none(joined["state_before"]), _or_none(joined["state_after"]))
        order = [("rule", "ascending"), ("arn", "ascending")]
        changed = joined.filter(differs).sort_by(order)
        gained, lost = (_open_by_rule(changed, f"state_{when}") for when in ("after", "before"))
        return cls(account_id, before, after, changed, gained, lost)

    def samples(self, rule: str, most: int, *, gained: bool) -> Iterator[FindingChange]:
        """The first findings of a rule that were gained, or that were lost, ordered by ARN."""
        own = self.changed.filter(pc.equal(self.changed["rule"], rule))
        chosen = own.filter(_is_open(own["state_after" if gained else "state_before"]))
        for row in chosen.slice(0, most).to_pylist():
            yield self._change(row)

    def _change(self, row: dict[str, Any]) -> FindingChange:
        is_left = row["place_after"] is not None
        table, place = (self.after, "place_after") if is_left else (self.before, "place_before")
        [finding] = table.slice(row[place], 1).to_pylist()
        before, after = (row[f"state_{when}"] for when in ("before", "after"))
        return FindingChange(
            self.account_id,
            finding["region"],
            finding["arn"],
            finding["resource_type"],
            finding["rule"],
            FindingState(before) if before else None,
            FindingState(after) if after else None,
            tuple(finding["codes"]),
            finding["waiver"],
        )


def _states(findings: pa.Table, when: str) -> pa.Table:
    """(arn, rule), which is unique, with the state and the place in the table."""
    return pa.table(
        {
            "arn": findings["arn"],
            "rule": findings["rule"].cast(pa.string()),
            f"state_{when}": findings["state"].cast(pa.string()),
            f"place_{when}": pa.array(range(len(findings)), pa.int64()),
        }
    )


def _or_none(states: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(states, "")


def _is_open(states: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.equal(_or_none(states), FindingState.OPEN)


def _open_by_rule(changed: pa.Table, state: str) -> dict[str, int]:
    """The open findings in a column; they are not open in the other, because the states differ."""
    rules = changed.filter(_is_open(changed[state]))["rule"]
    return {pair["values"]: pair["counts"] for pair in pc.value_counts(rules).to_pylist()}
