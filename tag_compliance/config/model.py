"""The model of `config.yaml`: typed and frozen; each key has its rule and its default."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

STORAGE_RULE = "must be a folder or s3://bucket/prefix"


def names_storage(uri: str) -> bool:
    """Whether the text names a folder, with or without `file://`, or an S3 bucket."""
    scheme, separator, rest = uri.rpartition("://")
    if not separator:
        return bool(uri)
    return scheme in {"file", "s3"} and bool(rest.partition("/")[0] or scheme == "file")


def _storage(uri: str) -> str:
    if not names_storage(uri):
        raise PydanticCustomError("storage", STORAGE_RULE)
    return uri


# Explicit ASCII: \d and \w also match digits and letters of other scripts.
AccountId = Annotated[StrictStr, StringConstraints(pattern=r"^[0-9]{12}$")]
RoleArn = Annotated[
    StrictStr, StringConstraints(pattern=r"^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$")
]
RoleTemplate = Annotated[
    StrictStr, StringConstraints(pattern=r"^(?:[A-Za-z0-9_+=,.@/-]|\{account_id\})+$")
]
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
ExternalId = Annotated[
    StrictStr, StringConstraints(min_length=2, max_length=1224, pattern=r"^[A-Za-z0-9_+=,.@:/-]+$")
]
SessionName = Annotated[
    StrictStr, StringConstraints(min_length=2, max_length=64, pattern=r"^[A-Za-z0-9_+=,.@-]+$")
]
SessionSeconds = Annotated[StrictInt, Field(ge=900, le=43_200)]
# https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html: 1 to 128 characters
TagKey = Annotated[StrictStr, StringConstraints(min_length=1, max_length=128)]
# What Dagster accepts as an owner.
Owner = Annotated[StrictStr, StringConstraints(pattern=r"^(team:[\w-]+|[^@\s]+@[^@\s]+)$")]
Percentage = Annotated[float, Field(ge=0, le=100, strict=True, allow_inf_nan=False)]
Pattern = Annotated[StrictStr, StringConstraints(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RoleSession(_Model):
    """How a role is assumed: for all accounts, or in an override for one account."""

    external_id: ExternalId | None = None
    role_session_name: SessionName | None = None
    session_duration: SessionSeconds | None = None
    via_role_arn: RoleArn | None = None


class AccountOverride(RoleSession):
    """The settings in which one account differs from the others."""

    role_arn: RoleArn | None = None


class Account(_Model):
    """An account to scan; `regions` are reported in this order."""

    account_id: AccountId
    account_name: StrictStr = ""
    regions: Annotated[tuple[StrictStr, ...], Field(min_length=1)] = ("us-east-1",)

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_id(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("account_name") in (None, ""):
            account_id = data.get("account_id")
            # A wrong id is reported at its own key, not a second time as a name.
            return {**data, "account_name": account_id if isinstance(account_id, str) else ""}
        return data


class OnFailure(StrEnum):
    """What is published for a region that could not be read."""

    DROP = "drop"
    KEEP_LAST = "keep_last"


class FailedAccountRun(StrEnum):
    """How a run in Dagster ends if an account was not fully read."""

    FAIL = "fail"
    WARN = "warn"


class CheckSeverity(StrEnum):
    """The severity of a failed asset check in Dagster."""

    WARN = "warn"
    ERROR = "error"


class ThresholdSettings(_Model):
    """In per cent: from `good` on compliance is good, below `poor` it is poor."""

    good: Percentage = 95.0
    poor: Percentage = 80.0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.poor > self.good:
            raise PydanticCustomError("thresholds", "poor must not be higher than good")
        return self


class Config(RoleSession):
    """All settings; `docs/configuration.md` describes each key."""

    aws_account_matrix: Annotated[tuple[Account, ...], Field(min_length=1)]
    required_tags: Annotated[tuple[TagKey, ...], Field(min_length=1, alias="REQUIRED_TAGS")]
    assume_role_name_template: RoleTemplate | None = None
    aws_account_overrides: Mapping[AccountId, AccountOverride] = Field(default_factory=dict)
    excluded_resource_types: tuple[Pattern, ...] = ()
    refresh_interval: Annotated[StrictInt, Field(ge=10, le=31_536_000)] = 300
    storage: Annotated[StrictStr, AfterValidator(_storage)] = "state"
    retain_snapshots: Annotated[StrictInt, Field(ge=1)] = 48
    max_detail_series: Annotated[StrictInt, Field(ge=0)] = 100_000
    max_concurrency: Annotated[StrictInt, Field(ge=1, le=1_000)] = 100
    calls_per_second: Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)] = 15.0
    region_deadline: Annotated[StrictInt, Field(ge=1)] = 900
    on_failure: OnFailure = OnFailure.DROP
    keep_last_for: Annotated[StrictInt, Field(ge=1)] = 86_400
    max_accounts_per_run: Annotated[StrictInt, Field(ge=0)] = 0
    silence_seconds: Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)] = 90.0
    retain_runs_days: Annotated[StrictInt, Field(ge=1)] = 14
    thresholds: ThresholdSettings = Field(default_factory=ThresholdSettings)
    minimum_compliance: Percentage = 0.0
    minimum_account_compliance: Percentage = 0.0
    largest_drop: Percentage = 50.0
    check_severity: CheckSeverity = CheckSeverity.ERROR
    failed_account_run: FailedAccountRun = FailedAccountRun.FAIL
    owners: tuple[Owner, ...] = ()
    exporter_url: Annotated[StrictStr, StringConstraints(pattern=r"^https?://")] | None = None
    alert_hook: Annotated[StrictStr, StringConstraints(pattern=r"^[\w.]+:\w+$")] | None = None


SCALAR_KEYS = tuple(
    name
    for name, field in Config.model_fields.items()
    if isinstance(field.default, str | int | float | None)
)
"""The keys with a single value, which an environment variable can override."""

NUMBER_KEYS = frozenset(
    name for name in SCALAR_KEYS if isinstance(Config.model_fields[name].default, int | float)
) | {"session_duration"}
"""The keys of `SCALAR_KEYS` whose value is a number."""

KEYS = tuple(field.alias or name for name, field in Config.model_fields.items())
"""The keys of `config.yaml`, as they are written there."""
