"""The model of `config.yaml`: typed and frozen; each key has its rule and its default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    StringConstraints,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

_YEAR = 365 * 86_400
"""In seconds. Longer durations, and their multiples, are not representable everywhere."""

_UNITS = {"w": 7 * 86_400, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
DURATION_PATTERN = "".join(f"(?:([0-9]{{1,9}}){unit})?" for unit in _UNITS)
DURATION_RULE = "must be seconds, or a duration such as 5m or 2h"


def _seconds(value: object) -> object:
    """The seconds of `5m` or `1h30m`; other types are validated by the field."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(DURATION_PATTERN, value)
    if not value or not match:
        raise PydanticCustomError("duration", DURATION_RULE)
    return sum(int(n or 0) * unit for n, unit in zip(match.groups(), _UNITS.values(), strict=True))


Duration = BeforeValidator(_seconds)

# The pattern also rejects lone surrogates, which pydantic accepts without a pattern.
Text = Annotated[StrictStr, StringConstraints(pattern=r"^[^\x00]*$")]
NonEmptyText = Annotated[Text, StringConstraints(min_length=1)]

_CHARACTER = r"[^\x00-\x1f\x7f-\x9f]"
# A folder whose name contains a colon is `./a:b`; otherwise `s3:/bucket` would be a folder.
_FOLDER = rf"(?:[^:/\x00-\x1f\x7f-\x9f]+(?:/{_CHARACTER}*)?|/{_CHARACTER}*)"
_BUCKET = rf"s3://[A-Za-z0-9][A-Za-z0-9._-]{{0,254}}(?:/{_CHARACTER}*)?"
StorageUri = Annotated[
    StrictStr, StringConstraints(pattern=f"^(?:{_FOLDER}|file:///{_CHARACTER}*|{_BUCKET})$")
]


def is_bucket(storage: str) -> bool:
    """Whether the storage is a bucket; otherwise it is a folder."""
    return storage.startswith("s3://")


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
Seconds = Annotated[StrictInt, Field(ge=1, le=_YEAR)]
# https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html: 1 to 128 characters
TagKey = Annotated[NonEmptyText, StringConstraints(max_length=128)]
# What Dagster accepts as an owner.
Owner = Annotated[StrictStr, StringConstraints(pattern=r"^(team:[\w-]+|[^@\s]+@[^@\s]+)$")]
Percentage = Annotated[float, Field(ge=0, le=100, strict=True, allow_inf_nan=False)]
Url = Annotated[StrictStr, StringConstraints(pattern=r"^https?://[^\x00-\x20\x7f-\x9f]+$")]
TypeName = Annotated[NonEmptyText, StringConstraints(pattern=r"^[^/]+$")]
DEFAULT_REGIONS = ("us-east-1",)


def is_scalar(field: FieldInfo) -> bool:
    """Whether the key has a single value, not a list or a map."""
    return isinstance(field.default, str | int | float | None)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _null_collections_are_missing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        collections = {
            field.alias or name for name, field in cls.model_fields.items() if not is_scalar(field)
        }
        return {k: v for k, v in data.items() if v is not None or k not in collections}


class RoleSession(_Model):
    """How a role is assumed: for all accounts, or in an override for one account."""

    external_id: ExternalId | None = None
    role_session_name: SessionName | None = None
    session_duration: Annotated[SessionSeconds | None, Duration] = None
    via_role_arn: RoleArn | None = None


class AccountOverride(RoleSession):
    """The settings in which one account differs from the others; the short form is the role."""

    role_arn: RoleArn | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, data: Any) -> Any:
        return {"role_arn": data} if isinstance(data, str) else {} if data is None else data


class Account(_Model):
    """An account to scan; `regions` are reported in this order."""

    account_id: AccountId
    account_name: Text = ""
    regions: tuple[StrictStr, ...] = DEFAULT_REGIONS

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


class DetailLimit(StrEnum):
    """The values of `max_detail_series` that are not a number."""

    OFF = "off"
    UNLIMITED = "unlimited"


def _detail_limit(value: Any) -> int | DetailLimit:
    text = str(value).lower()
    if text in {"off", "false"}:  # YAML reads `off` as false
        return DetailLimit.OFF
    if text == "unlimited":
        return DetailLimit.UNLIMITED
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    hint = "; 0 once meant unlimited" if value == 0 else ""
    raise PydanticCustomError(
        "detail_limit",
        "must be a whole number of at least 1, off or unlimited{hint}",
        {"hint": hint},
    )


DetailSeries = Annotated[int | DetailLimit, BeforeValidator(_detail_limit)]


class MetricSettings(_Model):
    """Which series are published: `disabled` are names of metrics, `types` patterns of types.

    The metrics by type have series only for these types; without patterns, for all.
    """

    disabled: tuple[StrictStr, ...] = ()
    types: tuple[TypeName, ...] = ()


class Config(RoleSession):
    """All settings; `docs/configuration.md` describes each key."""

    aws_account_matrix: Annotated[tuple[Account, ...], Field(min_length=1)]
    regions: tuple[StrictStr, ...] = DEFAULT_REGIONS
    required_tags: Annotated[tuple[TagKey, ...], Field(min_length=1, alias="REQUIRED_TAGS")]
    assume_role_name_template: RoleTemplate | None = None
    aws_account_overrides: Mapping[AccountId, AccountOverride] = Field(default_factory=dict)
    excluded_resource_types: tuple[NonEmptyText, ...] = ()
    refresh_interval: Annotated[StrictInt, Field(ge=10, le=_YEAR), Duration] = 300
    storage: StorageUri = "state"
    retain_snapshots: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 48
    max_detail_series: DetailSeries = 100_000
    metrics: MetricSettings = Field(default_factory=MetricSettings)
    max_concurrency: Annotated[StrictInt, Field(ge=1, le=1_000)] = 100
    calls_per_second: Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)] = 15.0
    region_deadline: Annotated[Seconds, Duration] = 900
    on_failure: OnFailure = OnFailure.DROP
    keep_last_for: Annotated[Seconds, Duration] = 86_400
    max_accounts_per_run: Annotated[StrictInt, Field(ge=0, le=1_000_000)] = 0
    silence_seconds: Annotated[
        float, Field(gt=0, le=_YEAR, strict=True, allow_inf_nan=False), Duration
    ] = 90.0
    retain_history_days: Annotated[StrictInt, Field(ge=1, le=36_500)] = 400
    retain_runs_days: Annotated[StrictInt, Field(ge=1, le=36_500)] = 14
    thresholds: ThresholdSettings = Field(default_factory=ThresholdSettings)
    minimum_compliance: Percentage = 0.0
    minimum_account_compliance: Percentage = 0.0
    largest_drop: Percentage = 50.0
    check_severity: CheckSeverity = CheckSeverity.ERROR
    failed_account_run: FailedAccountRun = FailedAccountRun.FAIL
    owners: tuple[Owner, ...] = ()
    exporter_url: Url | None = None
    alert_hook: Annotated[StrictStr, StringConstraints(pattern=r"^[\w.]+:\w+$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _default_regions(cls, data: Any) -> Any:
        """Gives the top-level regions to the accounts without regions."""
        if not isinstance(data, dict) or not isinstance(data.get("aws_account_matrix"), list):
            return data
        regions = data.get("regions")
        if regions in (None, [], ()):
            regions = DEFAULT_REGIONS
        elif not isinstance(regions, list | tuple) or not all(isinstance(r, str) for r in regions):
            return data  # a fault of the key `regions`, which each account would repeat
        rows = [
            {**row, "regions": regions}
            if isinstance(row, dict) and row.get("regions") in (None, [], ())
            else row
            for row in data["aws_account_matrix"]
        ]
        return {**data, "regions": regions, "aws_account_matrix": rows}


SCALAR_KEYS = tuple(name for name, field in Config.model_fields.items() if is_scalar(field))
"""The keys with a single value, which an environment variable can override."""

NUMBER_KEYS = frozenset(
    name for name in SCALAR_KEYS if isinstance(Config.model_fields[name].default, int | float)
) | {"session_duration"}
"""The keys of `SCALAR_KEYS` whose value is a number."""

KEYS = tuple(field.alias or name for name, field in Config.model_fields.items())
"""The keys of `config.yaml`, as they are written there."""
