"""The configuration, typed and frozen; the environment and AWS's regions are parameters."""

from tag_compliance.config.loader import load_config, overriding_variables, storage_of
from tag_compliance.config.model import (
    AccountOverride,
    CheckSeverity,
    Config,
    FailedAccountRun,
    OnFailure,
)

__all__ = [
    "AccountOverride",
    "CheckSeverity",
    "Config",
    "FailedAccountRun",
    "OnFailure",
    "load_config",
    "overriding_variables",
    "storage_of",
]
