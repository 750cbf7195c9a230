"""The configuration, typed and frozen; the environment and AWS's regions are parameters."""

from tag_compliance.config.loader import (
    VARIABLES,
    findings_access_of,
    load_config,
    overriding_variables,
    storage_of,
)
from tag_compliance.config.model import (
    AccountOverride,
    AwsOwned,
    CheckSeverity,
    Config,
    DetailLimit,
    FailedAccountRun,
    IamTagsFrom,
    NeverTagged,
    OnFailure,
)

__all__ = [
    "VARIABLES",
    "AccountOverride",
    "AwsOwned",
    "CheckSeverity",
    "Config",
    "DetailLimit",
    "FailedAccountRun",
    "IamTagsFrom",
    "NeverTagged",
    "OnFailure",
    "findings_access_of",
    "load_config",
    "overriding_variables",
    "storage_of",
]
