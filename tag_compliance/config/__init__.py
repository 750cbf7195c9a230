"""The configuration, typed and frozen; the environment and AWS's regions are parameters."""

from tag_compliance.config.loader import (
    DEFAULT_PATH,
    load_config,
    overriding_variables,
    storage_of,
)
from tag_compliance.config.model import (
    Account,
    AccountOverride,
    CheckSeverity,
    Config,
    OnFailure,
    RoleSession,
)

__all__ = [
    "DEFAULT_PATH",
    "Account",
    "AccountOverride",
    "CheckSeverity",
    "Config",
    "OnFailure",
    "RoleSession",
    "load_config",
    "overriding_variables",
    "storage_of",
]
