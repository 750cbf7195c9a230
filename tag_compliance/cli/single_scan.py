"""One scan in this process: its environment, its output, and what a person sees of it."""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from tag_compliance.aws.targets import targets_of
from tag_compliance.cli import options
from tag_compliance.cli.accounts import account_id_of, with_accounts
from tag_compliance.cli.configuration import load_for_writing
from tag_compliance.cli.dagster_databases import check_databases
from tag_compliance.cli.dagster_home import event_settings, prepare_dagster_home
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.cli.log_filter import each_failure_once
from tag_compliance.cli.output import check_output, write_result
from tag_compliance.cli.progress import progress_bar
from tag_compliance.config import Config
from tag_compliance.errors import TagComplianceError
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance.snapshot.store import Snapshot


def scan_once(  # noqa: PLR0913 - what the commands `scan` and `demo` differ in
    config_path: Path,
    environment: Mapping[str, str],
    output: options.Output,
    logs: options.Logs,
    account: str | None = None,
    *,
    accept_accounts: bool = False,
    is_storage_kept: bool = True,
) -> ScanStatus:
    """Scans, writes the exposition to its output, prints a summary.

    `account` is an account's id or name. `accept_accounts`: the list of AWS Organizations counts,
    however small it is. Raises `TagComplianceError` if there is no
    snapshot or it cannot be written to the output; an existing file is then kept.
    """
    config = load_for_writing(config_path, environment)
    _set_process_environment(environment)
    config = with_accounts(config, account, accept=accept_accounts)
    account_id = account and account_id_of(account, config, config_path)
    for_dagster = {**event_settings(len(targets_of(config))), **environment}
    if named := environment.get("DAGSTER_HOME"):
        home = prepare_dagster_home(named, config)
        check_databases(home)
        for_dagster["DAGSTER_HOME"] = str(home)
    _set_process_environment(for_dagster)

    check_output(output)
    with each_failure_once(logs.log_format):
        snapshot = _materialize(config, config_path, for_dagster, account_id)
    write_result(snapshot, config.storage if is_storage_kept else None, output)
    return snapshot.status


def _set_process_environment(environment: Mapping[str, str]) -> None:
    """Replaces the environment of this process; nothing else in the program changes it.

    boto3 reads AWS_* and the proxies' variables, and Dagster reads DAGSTER_*, from `os.environ`
    alone: `demo` must hide the user's own ones from them, and `scan` sets a few of Dagster's.
    """
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


def _materialize(
    config: Config, config_path: Path, environment: Mapping[str, str], account: str | None
) -> Snapshot:
    # Dagster warns about each of its features that it calls beta; the lock file pins them all.
    warnings.filterwarnings("ignore", message=".*currently in (beta|preview)")
    gc.disable()  # no imported object becomes garbage, and searching them takes 0.2 s
    # Dagster, which a configuration with faults does not need.
    from tag_compliance.pipeline.build import use_system_allocator
    from tag_compliance.pipeline.resources import ProgressResource
    from tag_compliance.pipeline.run_once import run_once

    use_system_allocator()
    gc.freeze()
    gc.enable()

    with interruptible() as check, progress_bar(config) as bar:
        progress = ProgressResource(bar.region_read, bar.page_read)
        ended = run_once(config, config_path, environment, progress, account)
        check()
    if ended.snapshot is None:
        raise TagComplianceError(ended.failure or f"the run {ended.run_id} failed")
    return ended.snapshot
