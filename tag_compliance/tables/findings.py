"""The stored evaluations: `tables/findings/<account id>.parquet`.

The rows are the account's findings; the description is its read status, the basis of the
evaluation and its summary.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from tag_compliance.domain.account import AccountId, RegionName
from tag_compliance.domain.counts import Exclusion
from tag_compliance.domain.evaluation import Basis, Evaluation
from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.owners import OWNER_SUMMARY_SCHEMA
from tag_compliance.domain.read_status import AccountReadStatus, Source
from tag_compliance.domain.summary import (
    EXCLUSION_SCHEMA,
    NEVER_TAGGED_SCHEMA,
    RULE_SUMMARY_SCHEMA,
    TYPE_SUMMARY_SCHEMA,
    AccountSummary,
)
from tag_compliance.domain.waivers import WaiverUse
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn, decode, decode_description, encode, read_or_warn
from tag_compliance.tables.stored_status import StoredStatus, require_account

_WHAT = "evaluation of an account"

_OLD_REASON = "excluded_resource_types"
"""What `Exclusion.PATTERN` was called."""

_Columns = dict[str, list[str] | list[int]]


@dataclass(frozen=True)
class _StoredSummary:
    """An `AccountSummary` as columns: `types` are its totals, `excluded` has a column by reason.

    A summary without `excluded`, or with `_OLD_REASON` in it, is from the time when `PATTERN` was
    the only reason; one without `waiver_uses` is from the time when the required tags were the only
    rules.
    """

    regions: tuple[RegionName, ...]
    types: _Columns
    rules: _Columns
    excluded: dict[str, list[int]] | None = None
    exclusion_matches: dict[str, int] = field(default_factory=dict)
    exclusions: _Columns = field(default_factory=EXCLUSION_SCHEMA.empty_table().to_pydict)
    never_tagged: _Columns = field(default_factory=NEVER_TAGGED_SCHEMA.empty_table().to_pydict)
    additions: dict[RegionName, dict[Source, int]] = field(default_factory=dict)
    waiver_uses: dict[str, WaiverUse] = field(default_factory=dict)
    owners: dict[str, list[str | None] | list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, summary: AccountSummary) -> Self:
        by_reason = summary.types["excluded"]
        return cls(
            summary.regions,
            summary.totals.to_pydict(),
            summary.rules.to_pydict(),
            {reason: pc.struct_field(by_reason, reason).to_pylist() for reason in Exclusion},
            dict(summary.exclusion_matches),
            summary.exclusions.to_pydict(),
            summary.never_tagged.to_pydict(),
            {region: dict(added) for region, added in summary.additions.items()},
            dict(summary.waiver_uses),
            summary.owners.to_pydict(),
        )

    def summary(self) -> AccountSummary:
        """Raises `ValueError`, `KeyError`, `TypeError` or `ArrowException` for other columns."""
        types: dict[str, list[Any]] = {**self.types}
        by_reason = self.excluded or {_OLD_REASON: types["excluded"]}
        if _OLD_REASON in by_reason:
            by_reason = {Exclusion.PATTERN: by_reason[_OLD_REASON]}
        none = [0] * len(types["excluded"])
        rows = zip(*(by_reason.get(reason, none) for reason in Exclusion), strict=True)
        for name in ("without_open_findings", "without_findings"):
            types.setdefault(name, types["compliant"])
        unknown = [0] * len(self.rules["rule"])
        rules = {"waived": unknown, "exempted": unknown, **self.rules}
        types["excluded"] = [dict(zip(Exclusion, row, strict=True)) for row in rows]
        return AccountSummary(
            self.regions,
            pa.Table.from_pydict(types, schema=TYPE_SUMMARY_SCHEMA),
            pa.Table.from_pydict(rules, schema=RULE_SUMMARY_SCHEMA),
            self.exclusion_matches,
            pa.Table.from_pydict(self.exclusions, schema=EXCLUSION_SCHEMA),
            pa.Table.from_pydict(self.never_tagged, schema=NEVER_TAGGED_SCHEMA),
            self.additions,
            self.waiver_uses,
            pa.Table.from_pydict(
                self.owners or OWNER_SUMMARY_SCHEMA.empty_table().to_pydict(),
                schema=OWNER_SUMMARY_SCHEMA,
            ),
        )


@dataclass(frozen=True)
class _Description:
    status: StoredStatus
    basis: Basis
    summary: _StoredSummary


_description = TypeAdapter(_Description)


@dataclass(frozen=True)
class StoredEvaluation:
    """A stored evaluation; its findings are decoded when they are asked for."""

    status: AccountReadStatus
    basis: Basis
    summary: AccountSummary
    data: bytes

    def findings(self) -> pa.Table:
        """A table of `FINDING_SCHEMA`. Raises `StoredValueUnreadable`."""
        return decode(_WHAT, self.data, FINDING_SCHEMA, _description)[0]


class Findings:
    """One evaluation for each account. One that cannot be read counts as missing.

    Without `with_rows`, a loaded evaluation has no findings: they take as much memory as the
    organization has accounts.
    """

    def __init__(self, storage: Storage, warn: Warn, *, with_rows: bool = True) -> None:
        self._storage = storage
        self._warn = warn
        self._with_rows = with_rows

    def store(self, evaluation: Evaluation) -> bool:
        """False if an evaluation of a later reading is stored already."""
        account_id = evaluation.account_id
        decode_own = partial(_decode_description, account_id=account_id)

        def unless_later(data: bytes | None) -> bytes | None:
            stored = read_or_warn(account_id, data, decode_own, self._warn)
            stays = stored is not None and not evaluation.status.replaces(stored.status)
            return None if stays else encode_evaluation(evaluation)

        return self._storage.update(_name(account_id), unless_later)

    def load(self, account_id: AccountId) -> StoredEvaluation | None:
        """The stored evaluation; None if there is none that can be read."""
        found = self._storage.read(_name(account_id))
        data = None if found is None else found.data
        decode_own = partial(decode_evaluation, account_id=account_id)
        evaluation = read_or_warn(account_id, data, decode_own, self._warn)
        return (
            evaluation if evaluation is None or self._with_rows else replace(evaluation, data=b"")
        )


def encode_evaluation(evaluation: Evaluation) -> bytes:
    summary = _StoredSummary.of(evaluation.summary)
    described = _Description(evaluation.status, evaluation.basis, summary)
    return encode(evaluation.findings, _description.dump_json(described))


def decode_evaluation(data: bytes, account_id: AccountId | None = None) -> StoredEvaluation:
    """Raises `StoredValueUnreadable`, also for the evaluation of another account."""
    described = _decode_description(data, account_id)
    try:
        summary = described.summary.summary()
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise StoredValueUnreadable(_WHAT, f"its summary is malformed: {error}") from error
    return StoredEvaluation(described.status, described.basis, summary, data)


def _decode_description(data: bytes, account_id: AccountId | None) -> _Description:
    described = decode_description(_WHAT, data, _description)
    require_account(_WHAT, described.status, account_id)
    return described


def _name(account_id: AccountId) -> str:
    return f"tables/findings/{account_id}.parquet"
