"""The stored evaluations: `tables/findings/<account id>.parquet`.

The rows are the account's findings; the description is its read status, the basis of the
evaluation and its summary.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from pydantic import TypeAdapter

from tag_compliance.domain.account import AccountId
from tag_compliance.domain.evaluation import Basis, Evaluation
from tag_compliance.domain.findings import FINDING_SCHEMA
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.domain.summary import AccountSummary
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import decode, decode_description, encode
from tag_compliance.tables.raw_resources import Warn
from tag_compliance.tables.summary import StoredSummary

_WHAT = "evaluation of an account"


@dataclass(frozen=True)
class _Description:
    status: AccountReadStatus
    basis: Basis
    summary: StoredSummary


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
    """One evaluation for each account. One that cannot be read counts as missing."""

    def __init__(self, storage: Storage, warn: Warn) -> None:
        self._storage = storage
        self._warn = warn

    def store(self, evaluation: Evaluation) -> bool:
        """False if an evaluation of a later reading is stored already."""

        def unless_later(data: bytes | None) -> bytes | None:
            if data is not None:
                try:
                    status = decode_description(_WHAT, data, _description).status
                except StoredValueUnreadable as error:
                    self._warn(f"{evaluation.account_id}: {error}")
                else:
                    if not evaluation.status.replaces(status):
                        return None
            return encode_evaluation(evaluation)

        return self._storage.update(_name(evaluation.account_id), unless_later)

    def load(self, account_id: AccountId) -> StoredEvaluation | None:
        """The stored evaluation; None if there is none that can be read."""
        found = self._storage.read(_name(account_id))
        if found is None:
            return None
        try:
            return decode_evaluation(found.data)
        except StoredValueUnreadable as error:
            self._warn(f"{account_id}: {error}")
            return None


def encode_evaluation(evaluation: Evaluation) -> bytes:
    described = _Description(
        evaluation.status, evaluation.basis, StoredSummary.of(evaluation.summary)
    )
    return encode(evaluation.findings, _description.dump_json(described))


def decode_evaluation(data: bytes) -> StoredEvaluation:
    """Raises `StoredValueUnreadable`."""
    described = decode_description(_WHAT, data, _description)
    try:
        summary = described.summary.summary()
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise StoredValueUnreadable(_WHAT, f"its summary is malformed: {error}") from error
    return StoredEvaluation(described.status, described.basis, summary, data)


def _name(account_id: AccountId) -> str:
    return f"tables/findings/{account_id}.parquet"
