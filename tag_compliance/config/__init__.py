"""The configuration, typed and frozen; the environment and AWS's regions are parameters."""

from tag_compliance.config.loader import VARIABLES, load_config, overriding_variables, storage_of
from tag_compliance.config.model import (
    AccountOverride,
    CheckSeverity,
    Config,
    DetailLimit,
    FailedAccountRun,
    NeverTagged,
    OnFailure,
)

__all__ = [
    "VARIABLES",
    "AccountOverride",
    "CheckSeverity",
    "Config",
    "DetailLimit",
    "FailedAccountRun",
    "NeverTagged",
    "OnFailure",
    "load_config",
    "overriding_variables",
    "storage_of",
]
