"""Where Dagster keeps the assets' values: in the project's own storage, an object each.

tables/scan_config.json
tables/raw_resources/<account id>.parquet
tables/compliance_results.parquet
"""

from __future__ import annotations

from typing import Any

import dagster as dg
import pandas as pd

from tag_compliance.config import Config
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.domain.scan import ScannedAccount
from tag_compliance.pipeline.codecs import (
    decode_account,
    decode_results,
    decode_scan,
    encode_account,
    encode_results,
)
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.storage.base import Storage

_CONFIG = "tables/scan_config.json"
_RESULTS = "tables/compliance_results.parquet"


def _account_object(account_id: str) -> str:
    return f"tables/raw_resources/{account_id}.parquet"


class TableIOManager(dg.IOManager):
    """Keeps values by their type; Dagster's own manager of files knows no run over many partitions.

    An input annotated as `pandas.DataFrame` gets the rows of `compliance_results` alone; one with
    `columns` in its metadata reads just those of its columns.
    """

    def __init__(self, configuration: ConfigurationResource) -> None:
        self._configuration = configuration

    def handle_output(self, _context: dg.OutputContext, obj: Any) -> None:
        storage = self._configuration.storage()
        if isinstance(obj, Config):
            storage.write(_CONFIG, obj.model_dump_json(by_alias=True).encode())
        elif isinstance(obj, ComplianceResults):
            storage.write(_RESULTS, encode_results(obj))
        else:
            for account in obj:
                keep_account(storage, account)

    def load_input(self, context: dg.InputContext) -> Any:
        storage = self._configuration.storage()
        if context.has_asset_partitions:
            return load_accounts(storage, context.asset_partition_keys)
        if context.dagster_type.typing_type is Config:
            return Config.model_validate_json(_read(storage, _CONFIG))
        columns = context.definition_metadata.get("columns")
        results = decode_results(_read(storage, _RESULTS), columns)
        wants_rows = context.dagster_type.typing_type is pd.DataFrame
        return results.frame if wants_rows else results


def keep_account(storage: Storage, account: ScannedAccount) -> None:
    """Keeps an account's scan, unless a later one is there, and what only the last one knew."""

    def merged(data: bytes | None) -> bytes | None:
        if data is None:
            return encode_account(account)
        if decode_scan(data).started_at > account.scan.started_at:
            return None
        kept = account if account.scan.succeeded else account.keeping(decode_account(data))
        return encode_account(kept)

    storage.update(_account_object(account.scan.account_id), merged)


def load_accounts(storage: Storage, account_ids: Any) -> dict[str, ScannedAccount]:
    """The stored scans of these accounts, those that have never been scanned left out."""
    found = {}
    for account_id in account_ids:
        stored = storage.read(_account_object(account_id))
        if stored is not None:
            found[account_id] = decode_account(stored.data)
    return found


def _read(storage: Storage, name: str) -> bytes:
    stored = storage.read(name)
    if stored is None:
        raise dg.DagsterInvariantViolationError(
            f"{storage.uri}/{name} does not exist; materialize the whole `scan` job once"
        )
    return stored.data
