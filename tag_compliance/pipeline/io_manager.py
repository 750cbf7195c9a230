"""Where Dagster keeps the values of the assets: in the project's own storage.

tables/scan_config.json
tables/raw_resources/<account id>.parquet    written by the asset itself, account by account
tables/findings/<account id>.parquet         the same
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import PrivateAttr, ValidationError

from tag_compliance.aws.targets import targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import AccountId
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.evaluation import basis_of
from tag_compliance.domain.reconcile import reconcile
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.domain.result_table import result_rows, to_frame
from tag_compliance.errors import StoredValueUnreadable, TagComplianceError
from tag_compliance.pipeline.merge import MergedScan, keep_since, merge_stored, policy_of
from tag_compliance.pipeline.resources import ConfigurationResource
from tag_compliance.storage.base import Storage
from tag_compliance.tables.raw_resources import RawResources, Warn

_CONFIG = "tables/scan_config.json"


class TableIOManager(dg.ConfigurableIOManager):
    """Hands the results of a scan from asset to asset in memory, or builds them from the storage.

    An input of `raw_resources` is a `dict[str, AccountInventory]`. An input of `compliance_results`
    that is annotated as `pandas.DataFrame` gets one row for each counted resource.
    """

    configuration: dg.ResourceDependency[ConfigurationResource]
    _merged: dict[str, MergedScan] = PrivateAttr(default_factory=dict)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        with _as_failure():
            if isinstance(obj, Config):
                data = obj.model_dump_json(by_alias=True).encode()
                self.configuration.storage().write(_CONFIG, data)
            elif isinstance(obj, MergedScan):
                # The evaluations are stored already: nothing is written and read back.
                self._merged[context.run_id] = obj

    def load_input(self, context: dg.InputContext) -> Any:
        with _as_failure():
            storage, warn = self.configuration.storage(), context.log.warning
            if context.has_asset_partitions:
                return _inventories(storage, context.asset_partition_keys, warn)
            wanted = context.dagster_type.typing_type
            if wanted is Config:
                return load_config_table(storage)
            if wanted is pd.DataFrame:
                return load_frame(load_config_table(storage), storage, warn)
            upstream = context.upstream_output
            held = self._merged.get(upstream.run_id) if upstream and upstream.run_id else None
            return held or merge_stored(load_config_table(storage), storage, warn)


def load_frame(config: Config, storage: Storage, warn: Warn) -> pd.DataFrame:
    """The rows of `compliance_results`, from the stored inventories of the accounts."""
    now, policy, inventories = utc_now(), policy_of(config), RawResources(storage, warn)
    tables = []
    for target in targets_of(config):
        inventory = inventories.load(target.account_id)
        if inventory is not None:
            status = reconcile(target, inventory.status, now=now)
            basis = basis_of(status, policy, now, keep_since(config, now))
            seen = AccountInventory(status, inventory.resources)
            tables.append(result_rows(seen, target.account_name, policy, basis))
    return to_frame(tables)


def _inventories(
    storage: Storage, account_ids: Sequence[str], warn: Warn
) -> dict[str, AccountInventory]:
    repository = RawResources(storage, warn)
    found = {account_id: repository.load(AccountId(account_id)) for account_id in account_ids}
    return {account_id: inventory for account_id, inventory in found.items() if inventory}


def load_config_table(storage: Storage) -> Config:
    """The configuration of the latest reading run. Raises `StoredValueUnreadable`."""
    stored = storage.read(_CONFIG)
    if stored is None:
        raise dg.DagsterInvariantViolationError(
            f"{storage.uri}/{_CONFIG} does not exist; materialize scan_config once"
        )
    try:
        return Config.model_validate_json(stored.data)
    except ValidationError as error:
        cause = f"this version does not understand it ({error.error_count()} faults)"
        raise StoredValueUnreadable("configuration", cause) from None


@contextlib.contextmanager
def _as_failure() -> Iterator[None]:
    """An error that a person can fix reaches them in its own words, without a traceback."""
    try:
        yield
    except TagComplianceError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
