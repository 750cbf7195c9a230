"""One scan in this process: its environment, its output, and what a person sees of it."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from tag_compliance.aws.regions import known_regions
from tag_compliance.cli import options
from tag_compliance.cli.accounts import account_id_of
from tag_compliance.cli.dagster_home import FEW_EVENTS, prepare_dagster_home
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.cli.output import check_output, write_result
from tag_compliance.cli.progress import progress_bar
from tag_compliance.config import Config, load_config
from tag_compliance.errors import TagComplianceError
from tag_compliance.logs import LogFormat
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance.snapshot.store import Snapshot


def scan_once(
    config_path: Path,
    environment: Mapping[str, str],
    output: options.Output,
    logs: options.Logs,
    account: str | None = None,
) -> ScanStatus:
    """Scans, writes the exposition to its output, prints a summary.

    `account` is an account's id or name.

    Raises `TagComplianceError` if there is no snapshot or it cannot be written to the output; an
    existing file is then kept.
    """
    config = load_config(config_path, environment, known_regions())
    account_id = account and account_id_of(account, config, config_path)
    for_dagster = {**FEW_EVENTS, **environment}
    if home := environment.get("DAGSTER_HOME"):
        for_dagster["DAGSTER_HOME"] = str(prepare_dagster_home(home, config))
    _set_process_environment(for_dagster)

    check_output(output)
    with _each_failure_once(logs):
        snapshot = _materialize(config, config_path, for_dagster, account_id)
    write_result(snapshot, config.storage, output)
    return snapshot.status


@contextlib.contextmanager
def _each_failure_once(logs: options.Logs) -> Iterator[None]:
    """Keeps failures out of the log that the summary shows; JSON lines keep one event for each."""
    repeated = {"tag_compliance.run": "not read: "}
    if logs.log_format == LogFormat.TEXT:
        repeated["tag_compliance.aws.scanner"] = "account not fully read"
    with contextlib.ExitStack() as stack:
        for name, beginning in repeated.items():
            stack.enter_context(_without(logging.getLogger(name), beginning))
        yield


@contextlib.contextmanager
def _without(logger: logging.Logger, beginning: str) -> Iterator[None]:
    def is_other(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(beginning)

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


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
