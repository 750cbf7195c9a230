"""The configuration and the times of the latest scan, as they are stored; without Dagster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pydantic import TypeAdapter, ValidationError

from tag_compliance.config import Config
from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import StoredValueUnreadable
from tag_compliance.pipeline.scan_times import ScanTimes
from tag_compliance.storage.base import Storage

CONFIG, _TIMES = "tables/scan_config.json", "tables/scan_times.json"
_times = TypeAdapter(ScanTimes)


def load_scan_config(storage: Storage) -> Config | None:
    """The configuration of the latest reading run; None before the first.

    Raises `StoredValueUnreadable`.
    """
    stored = storage.read(CONFIG)
    with _understood("configuration"):
        return Config.model_validate_json(stored.data) if stored else None


def store_scan_times(storage: Storage, times: ScanTimes) -> None:
    storage.write(_TIMES, _times.dump_json(times))


def load_scan_times(storage: Storage) -> ScanTimes:
    """The times of the scan that `compliance_results` was last materialized for."""
    stored = storage.read(_TIMES)
    with _understood("times of the scan"):
        return _times.validate_json(stored.data) if stored else ScanTimes(utc_now())


@contextlib.contextmanager
def _understood(what: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        cause = f"this version does not understand it ({error.error_count()} faults)"
        raise StoredValueUnreadable(what, cause) from None
