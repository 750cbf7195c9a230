"""The configuration, typed and frozen; environment and regions are parameters of reading it."""

from tag_compliance.config.model import (
    Account,
    AccountOverride,
    CheckSeverity,
    Config,
    OnFailure,
    RoleSession,
)
from tag_compliance.config.reader import load_config, storage_of

__all__ = [
    "Account",
    "AccountOverride",
    "CheckSeverity",
    "Config",
    "OnFailure",
    "RoleSession",
    "load_config",
    "storage_of",
]
