"""Runs that exist only in Dagster's records, at any time and with any status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from tag_compliance.pipeline.run_tags import definitions_tags

UI_JOB = "__ASSET_JOB"
"""Dagster's own job, which a materialization from the UI runs."""

# Where the code of a queued run is; nothing connects to it.
_LOCATION = RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("127.0.0.1", port=1), "repository")


def run_of(
    job: str, assets: Sequence[str] = (), tags: Mapping[str, str] | None = None, **more: Any
) -> dg.DagsterRun:
    """A run of one of our jobs, or from the UI if assets are selected, by keys with slashes."""
    tags = {**({} if assets else definitions_tags([])), **(tags or {})}
    selection = frozenset(dg.AssetKey(name.split("/")) for name in assets) or None
    more["remote_job_origin"] = RemoteJobOrigin(_LOCATION, job)
    return dg.DagsterRun(job, asset_selection=selection, tags=tags, **more)


def record(
    instance: dg.DagsterInstance, run: dg.DagsterRun, start: float | None, end: float | None
) -> str:
    """Records the run; `start` and `end` are Unix times. Returns its id."""
    instance.add_run(run)
    _update(instance, run.run_id, start_time=start, end_time=end)
    return run.run_id


def make_older(
    instance: dg.DagsterInstance, run_id: str, by: timedelta, *, and_silent: bool = True
) -> None:
    """Moves into the past when the run was created, and when Dagster last updated it."""
    found = instance.get_run_record_by_id(run_id)
    assert found is not None
    _update(instance, run_id, create_timestamp=_naive(found.create_timestamp) - by)
    if and_silent:
        _update(instance, run_id, update_timestamp=_naive(found.update_timestamp) - by)


def move_end(instance: dg.DagsterInstance, run_id: str, to: datetime) -> None:
    """Changes when the run ended."""
    _update(instance, run_id, end_time=to.timestamp())


def _update(instance: dg.DagsterInstance, run_id: str, **values: object) -> None:
    storage = instance.run_storage
    assert isinstance(storage, SqlRunStorage)
    with storage.connect() as connection:
        connection.execute(RunsTable.update().where(RunsTable.c.run_id == run_id).values(**values))


def _naive(moment: datetime) -> datetime:
    """As Dagster's tables have it: in UTC, without a time zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
