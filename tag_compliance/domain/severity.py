"""The severity of rules."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How serious a violation of a rule is, from the least to the most serious."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
