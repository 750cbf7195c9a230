"""One scan in this process: its environment, its output, and what a person sees of it."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

from tag_compliance.aws.targets import targets_of
from tag_compliance.cli import options
from tag_compliance.cli.configuration import load_for_writing
from tag_compliance.cli.dagster_databases import check_databases
from tag_compliance.cli.dagster_home import event_settings, prepare_dagster_home
from tag_compliance.cli.display import progress_bar, summary_of
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.cli.push import push
from tag_compliance.config import Config
from tag_compliance.errors import BadConfiguration, Fault, StorageRefused, TagComplianceError
from tag_compliance.snapshot.status import ScanStatus
from tag_compliance.snapshot.store import Snapshot
from tag_compliance.storage.atomic import write_file


def scan_once(
    config_path: Path,
    environment: Mapping[str, str],
    output: options.Output,
    account: str | None = None,
) -> ScanStatus:
    """Scans, writes the exposition to its output, prints a summary on stderr.

    Raises `TagComplianceError` if there is no snapshot or it cannot be written to the output; an
    existing file is then kept.
    """
    config = load_for_writing(config_path, environment)
    if account is not None and not targets_of(config, {account}):
        fault = Fault("--account", "", account, f"no such account in {config_path}")
        raise BadConfiguration((fault,))
    for_dagster = {**event_settings(len(targets_of(config))), **environment}
    if named := environment.get("DAGSTER_HOME"):
        home = prepare_dagster_home(named, config)
        check_databases(home)
        for_dagster["DAGSTER_HOME"] = str(home)
    _set_process_environment(for_dagster)

    snapshot = _materialize(config, config_path, for_dagster, account)
    if output.push:
        push(snapshot.plain, output.push)
    if output.output or not output.push:
        _write(snapshot.plain, output.output)
    for line in summary_of(snapshot.status):
        print(line, file=sys.stderr)
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

    with interruptible() as check, progress_bar(config) as advance:
        ended = run_once(config, config_path, environment, ProgressResource(advance), account)
        check()
    if ended.snapshot is None:
        raise TagComplianceError(ended.failure or f"the run {ended.run_id} failed")
    return ended.snapshot


def _write(exposition: bytes, output: str | None) -> None:
    """To stdout, or atomically to the file."""
    try:
        if not output:
            sys.stdout.buffer.write(exposition)
            sys.stdout.buffer.flush()
            return
        path = Path(output)
        if path.exists() and not (path.is_file() or path.is_dir()):
            path.write_bytes(exposition)  # a device or a pipe must not be replaced by a file
        else:
            write_file(path.resolve(), exposition)
    except BrokenPipeError:
        raise
    except (OSError, StorageRefused) as error:
        cause = error.cause if isinstance(error, StorageRefused) else error.strerror
        raise StorageRefused(
            output or "stdout", "write", cause or str(error), "the snapshot is in the storage"
        ) from error
