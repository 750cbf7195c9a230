"""The configuration and the times of the latest scan, as they are stored; without Dagster."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, TypeAdapter, ValidationError

from tag_compliance.config import Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.pipeline.scan_times import ScanTimes
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn

CONFIG, _TIMES = "tables/scan_config.json", "tables/scan_times.json"


def _with_time_zones(times: ScanTimes) -> ScanTimes:
    if any(t is not None and t.utcoffset() is None for t in (times.started_at, times.read_since)):
        raise ValueError("a time has no time zone")
    return times


_times = TypeAdapter[ScanTimes](Annotated[ScanTimes, AfterValidator(_with_time_zones)])


def load_scan_config(storage: Storage) -> Config | None:
    """The configuration of the latest reading run; None before the first.

    Raises `StoredValueUnreadable`.
    """
    stored = storage.read(CONFIG)
    if stored is None:
        return None
    try:
        config = Config.model_validate_json(stored.data)
    except ValidationError as error:
        cause = f"this version does not understand it ({error.error_count()} faults)"
        raise StoredValueUnreadable("configuration", cause) from None
    if not config.aws_account_matrix:  # `scan_config` fails without accounts
        raise StoredValueUnreadable("configuration", "it names no account")
    return config


def store_scan_times(storage: Storage, times: ScanTimes) -> None:
    storage.write(_TIMES, _times.dump_json(times))


def load_scan_times(storage: Storage, warn: Warn) -> ScanTimes:
    """The times of the scan that `compliance_results` was last materialized for.

    Damaged ones count as missing: everything that is stored belongs to a scan that starts now.
    """
    stored = storage.read(_TIMES)
    try:
        return _times.validate_json(stored.data) if stored else ScanTimes(utc_now())
    except ValidationError:
        warn(f"{storage.uri}/{_TIMES} is damaged; the times of the last scan count as missing")
        return ScanTimes(utc_now())
