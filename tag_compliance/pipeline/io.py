"""Where Dagster keeps the assets' values: in the project's own storage, an object each.

tables/scan_config.json
tables/raw_resources/<account id>.parquet
tables/compliance_results.parquet
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import ValidationError

from tag_compliance.config import Config
from tag_compliance.domain.results import ComplianceResults
from tag_compliance.domain.scan import ScannedAccount
from tag_compliance.errors import StoredValueUnreadable, TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.pipeline.codecs import (
    decode_account,
    decode_results,
    decode_scan,
    encode_account,
    encode_results,
)
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.storage.base import Storage

logger = get_logger(__name__)

Warn = Callable[[str], None]

_CONFIG = "tables/scan_config.json"
_RESULTS = "tables/compliance_results.parquet"


def _account_object(account_id: str) -> str:
    return f"tables/raw_resources/{account_id}.parquet"


class TableIOManager(dg.ConfigurableIOManager):
    """Keeps values by their type; Dagster's own manager of files knows no run over many partitions.

    An input annotated as `pandas.DataFrame` gets the rows of `compliance_results` alone; one with
    `columns` in its metadata reads just those of its columns.
    """

    configuration: dg.ResourceDependency[ConfigurationResource]

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        with _told():
            storage = self.configuration.storage()
            if isinstance(obj, Config):
                storage.write(_CONFIG, obj.model_dump_json(by_alias=True).encode())
            elif isinstance(obj, ComplianceResults):
                storage.write(_RESULTS, encode_results(obj))
            else:
                # Taken out one by one: a run in this process holds on to its outputs to its end.
                while obj:
                    keep_account(storage, obj.pop(), context.log.warning)

    def load_input(self, context: dg.InputContext) -> Any:
        with _told():
            return self._loaded(context)

    def _loaded(self, context: dg.InputContext) -> Any:
        storage = self.configuration.storage()
        if context.has_asset_partitions:
            return load_accounts(storage, context.asset_partition_keys, context.log.warning)
        if context.dagster_type.typing_type is Config:
            return _config_of(_read(storage, _CONFIG))
        columns = context.definition_metadata.get("columns")
        results = decode_results(_read(storage, _RESULTS), columns)
        wants_rows = context.dagster_type.typing_type is pd.DataFrame
        return results.frame if wants_rows else results


def keep_account(storage: Storage, account: ScannedAccount, warn: Warn = logger.warning) -> None:
    """Keeps an account's scan, unless a later one is there, and what only the last one knew.

    What cannot be read is replaced.
    """

    def merged(data: bytes | None) -> bytes | None:
        try:
            return _merged(account, data)
        except StoredValueUnreadable as error:
            warn(f"{account.scan.label}: {error}")
            return encode_account(account)

    storage.update(_account_object(account.scan.account_id), merged)


def _merged(account: ScannedAccount, data: bytes | None) -> bytes | None:
    if data is None:
        return encode_account(account)
    if decode_scan(data).started_at > account.scan.started_at:
        return None
    kept = account if account.scan.succeeded else account.keeping(decode_account(data))
    return encode_account(kept)


def load_accounts(
    storage: Storage, account_ids: Iterable[str], warn: Warn = logger.warning
) -> dict[str, ScannedAccount]:
    """The stored scans of these accounts, those that have never been scanned left out.

    One that cannot be read is as good as none, and is told.
    """
    found = {}
    for account_id in account_ids:
        stored = storage.read(_account_object(account_id))
        if stored is None:
            continue
        try:
            found[account_id] = decode_account(stored.data)
        except StoredValueUnreadable as error:
            warn(f"{account_id}: {error}")
    return found


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """A failure that a person can do something about reaches them in its own words."""
    try:
        yield
    except TagComplianceError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def _config_of(data: bytes) -> Config:
    try:
        return Config.model_validate_json(data)
    except ValidationError as error:
        cause = f"it does not match this version of the program ({error.error_count()} faults)"
        raise StoredValueUnreadable("configuration", cause) from None


def _read(storage: Storage, name: str) -> bytes:
    stored = storage.read(name)
    if stored is None:
        raise dg.DagsterInvariantViolationError(
            f"{storage.uri}/{name} does not exist; materialize the whole `scan` job once"
        )
    return stored.data
