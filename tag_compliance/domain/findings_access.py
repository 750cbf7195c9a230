"""Who may read findings from the exporter.

Only the standard library is used here, because the exporter and the configuration share it.
"""

from __future__ import annotations

from enum import StrEnum


class FindingsAccess(StrEnum):
    """Who may read findings from an exporter without credentials."""

    CREDENTIALS = "credentials"
    """Only the machine that it runs on."""

    OPEN = "open"
    """Everyone who can reach it."""
