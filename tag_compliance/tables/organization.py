"""The stored list of the organization's accounts: `tables/organization.json`.

`tables/scan_accounts.json` is the list of the latest scan that consists of several reading runs.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from tag_compliance.domain.clock import is_ahead
from tag_compliance.domain.organization import DiscoveredOrganization
from tag_compliance.storage.base import Storage
from tag_compliance.tables.parquet import Warn

_NAME, _OF_SCAN = "tables/organization.json", "tables/scan_accounts.json"
_organization = TypeAdapter(DiscoveredOrganization)


@dataclass(frozen=True)
class _ScanAccounts:
    scan: str
    organization: DiscoveredOrganization


_scan_accounts = TypeAdapter(_ScanAccounts)


class Organizations:
    """The one list. If it cannot be read, it counts as missing."""

    def __init__(self, storage: Storage, warn: Warn) -> None:
        self._storage = storage
        self._warn = warn

    def load(self) -> DiscoveredOrganization | None:
        stored = self._storage.read(_NAME)
        return self._decoded(stored.data) if stored else None

    def store(self, organization: DiscoveredOrganization) -> DiscoveredOrganization:
        """Stores it, unless another process has stored a newer list meanwhile.

        Returns what is stored now. A time of a clock that was far ahead is not newer.
        """
        kept = organization

        def unless_newer(data: bytes | None) -> bytes | None:
            nonlocal kept
            stored = None if data is None else self._decoded(data)
            kept = stored if stored and _is_newer(stored, organization) else organization
            return None if kept is stored else _organization.dump_json(organization)

        self._storage.update(_NAME, unless_newer)
        return kept

    def of_scan(self, scan: str, organization: DiscoveredOrganization) -> DiscoveredOrganization:
        """The list that all runs of the scan use: the one with which its first run began."""
        used = organization

        def unless_begun(data: bytes | None) -> bytes | None:
            nonlocal used
            used = organization
            with contextlib.suppress(ValidationError):
                begun = _scan_accounts.validate_json(data or b"")
                if begun.scan == scan:
                    used = begun.organization
                    return None
            return _scan_accounts.dump_json(_ScanAccounts(scan, organization))

        self._storage.update(_OF_SCAN, unless_begun)
        return used

    def _decoded(self, data: bytes) -> DiscoveredOrganization | None:
        try:
            organization = _organization.validate_json(data)
            _require_time_zones(organization)
        except ValueError:  # pydantic's ValidationError is one
            self._warn(f"{_NAME} is damaged; the list of accounts counts as missing")
            return None
        return organization


def _is_newer(stored: DiscoveredOrganization, other: DiscoveredOrganization) -> bool:
    if stored.listed_at is None or is_ahead(stored.listed_at):
        return False
    return other.listed_at is None or stored.listed_at > other.listed_at


def _require_time_zones(organization: DiscoveredOrganization) -> None:
    times: list[datetime | None] = [organization.attempt.at, organization.listed_at]
    times += [entry.read_at for entry in organization.regions.values()]
    times += [entry.read_at for entry in organization.owners.values()]
    if any(time is not None and time.utcoffset() is None for time in times):
        raise ValueError("a time has no time zone")
