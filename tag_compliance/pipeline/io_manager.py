"""The IO manager: it keeps the values of the assets in the storage of this project.

tables/scan_config.json
tables/reading_runs                          how many have begun; written by the asset as well
tables/scan_times.json                       of the scan that compliance_results describes
tables/raw_resources/<account id>.parquet    written by the asset itself, account by account
tables/findings/<account id>.parquet         the same
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import PrivateAttr

from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.history.figures import HistoryFigures
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.domain.result_table import result_rows, to_frame
from tag_compliance.errors import TagComplianceError
from tag_compliance.pipeline.history import update_history
from tag_compliance.pipeline.merge import MergedScan, merge_current, policy_of
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.pipeline.stored_scan import (
    CONFIG,
    load_scan_config,
    load_scan_times,
    store_scan_times,
)
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn
from tag_compliance.tables.raw_resources import RawResources


class TableIOManager(dg.ConfigurableIOManager):
    """Passes the results of a scan from asset to asset in memory, or builds them from the storage.

    An input of `raw_resources` is a `dict[str, AccountInventory]`. An input of `compliance_results`
    that is annotated as `pandas.DataFrame` gets one row for each counted resource.
    """

    configuration: dg.ResourceDependency[ConfigurationResource]
    _merged: dict[str, MergedScan] = PrivateAttr(default_factory=dict)
    _histories: dict[str, HistoryFigures] = PrivateAttr(default_factory=dict)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        with as_failure():
            storage = self.configuration.storage()
            if isinstance(obj, Config):
                storage.write(CONFIG, obj.model_dump_json(by_alias=True).encode())
            elif isinstance(obj, MergedScan):
                # The evaluations are stored already: nothing is written and read back.
                store_scan_times(storage, obj.times)
                self._merged[context.run_id] = obj
            elif isinstance(obj, HistoryFigures):
                self._histories[context.run_id] = obj

    def load_input(self, context: dg.InputContext) -> Any:
        with as_failure():
            storage, warn = self.configuration.storage(), context.log.warning
            if context.has_asset_partitions:
                return _inventories(storage, context.asset_partition_keys, warn)
            config = load_config_table(storage)
            wanted = context.dagster_type.typing_type
            if wanted is Config:
                return config
            upstream = context.upstream_output
            run_id = upstream.run_id if upstream and upstream.run_id else ""
            if wanted is HistoryFigures and run_id in self._histories:
                return self._histories[run_id]
            merged = self._merged.get(run_id)
            if merged is None:
                merged = merge_current(config, storage, warn, load_scan_times(storage, warn))
            if wanted is HistoryFigures:
                return update_history(merged, config, storage, warn)
            return _frame_of(merged, config, storage, warn) if wanted is pd.DataFrame else merged


def _frame_of(merged: MergedScan, config: Config, storage: Storage, warn: Warn) -> pd.DataFrame:
    """The rows behind the counts of a scan, from the stored inventories of the accounts."""
    policy, inventories, tables = policy_of(config), RawResources(storage, warn), []
    for account in merged.results.summary.accounts:
        basis = merged.bases[account.account_id]
        inventory = inventories.load(account.account_id) if basis.regions else None
        if inventory is not None:
            name, ou_path = account.account_name, account.ou_path
            tables.append(result_rows(inventory, name, policy, basis, ou_path))
    return to_frame(tables)


def _inventories(
    storage: Storage, account_ids: Sequence[str], warn: Warn
) -> dict[str, AccountInventory]:
    repository = RawResources(storage, warn)
    found = {account_id: repository.load(AccountId(account_id)) for account_id in account_ids}
    return {account_id: inventory for account_id, inventory in found.items() if inventory}


def load_config_table(storage: Storage) -> Config:
    """The configuration of the latest reading run. Raises `StoredValueUnreadable`."""
    config = load_scan_config(storage)
    if config is None:
        raise dg.DagsterInvariantViolationError(
            f"{storage.uri}/{CONFIG} does not exist; materialize scan_config once"
        )
    return config


@contextlib.contextmanager
def as_failure() -> Iterator[None]:
    """Reports an error that a person can fix by its message, without a traceback."""
    try:
        yield
    except TagComplianceError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
