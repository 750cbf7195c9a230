"""The model of `config.yaml`: typed and frozen; each key has its rule and its default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tag_compliance.config.base_model import Model, NonEmptyText, TagKey, Text, is_scalar
from tag_compliance.config.policy_model import LoadedPolicy
from tag_compliance.domain.findings_access import FindingsAccess

_YEAR = 365 * 86_400
"""In seconds. Longer durations, and their multiples, are not representable everywhere."""

MAX_DAYS = 36_500

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

_CHARACTER = r"[^\x00-\x1f\x7f-\x9f]"
# A folder whose name contains a colon is `./a:b`; otherwise `s3:/bucket` would be a folder.
_FOLDER = rf"(?:[^:/\x00-\x1f\x7f-\x9f]+(?:/{_CHARACTER}*)?|/{_CHARACTER}*)"
_BUCKET = rf"s3://[A-Za-z0-9][A-Za-z0-9._-]{{0,254}}(?:/{_CHARACTER}*)?"
StorageUri = Annotated[
    StrictStr, StringConstraints(pattern=f"^(?:{_FOLDER}|file:///{_CHARACTER}*|{_BUCKET})$")
]
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
# What Dagster accepts as an owner.
Owner = Annotated[StrictStr, StringConstraints(pattern=r"^(team:[\w-]+|[^@\s]+@[^@\s]+)$")]
Percentage = Annotated[float, Field(ge=0, le=100, strict=True, allow_inf_nan=False)]
Url = Annotated[StrictStr, StringConstraints(pattern=r"^https?://[^\x00-\x20\x7f-\x9f]+$")]
OuPath = Annotated[Text, StringConstraints(pattern=r"^(?:[^/\x00]+(?:/[^/\x00]+)*)?$")]
"""Names of organizational units below the root, separated by slashes; empty is the root."""

# https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
OuId = Annotated[StrictStr, StringConstraints(pattern=r"^ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$")]
OrganizationEntry = Annotated[OuPath, StringConstraints(min_length=1)]
RegionPattern = Annotated[StrictStr, StringConstraints(pattern=r"^[a-z0-9*-]+$")]
TypeName = Annotated[NonEmptyText, StringConstraints(pattern=r"^[^/]+$")]
# https://docs.aws.amazon.com/resource-explorer/latest/apireference/API_CreateView.html
ViewName = Annotated[StrictStr, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
DEFAULT_REGIONS = ("us-east-1",)


class RoleSession(Model):
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


class Account(Model):
    """An account to scan; `regions` are reported in this order.

    An empty key is not set: AWS Organizations or a default has its value.
    """

    account_id: AccountId
    account_name: Text = ""
    regions: tuple[StrictStr, ...] = ()
    ou_path: OuPath = ""
    account_owner: Text = ""
    ou_ids: tuple[OuId, ...] = ()
    owner_source: Literal["account", "organization"] = "account"

    @model_validator(mode="before")
    @classmethod
    def _null_texts_are_missing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        texts = ("account_name", "ou_path", "account_owner")
        return {k: v for k, v in data.items() if v is not None or k not in texts}


ENABLED = "enabled"
"""The value of `organization.regions` for the regions that are enabled in each account."""


def _enabled_or_listed(value: Any) -> Any:
    listed = isinstance(value, list | tuple) and all(isinstance(region, str) for region in value)
    if listed or value == ENABLED:
        return value
    raise PydanticCustomError("organization_regions", "must be enabled or a list of regions")


class OrganizationSettings(Model):
    """Which accounts of AWS Organizations are scanned, in which regions.

    An entry of `include` and `exclude` is an account id, or the path or id of an OU, which covers
    everything below it. Empty `regions` are the key `regions` of the file.
    """

    role_arn: RoleArn | None = None
    include: tuple[OrganizationEntry, ...] = ()
    exclude: tuple[OrganizationEntry, ...] = ()
    regions: Annotated[
        Literal["enabled"] | tuple[StrictStr, ...], BeforeValidator(_enabled_or_listed)
    ] = ()
    region_allow: tuple[RegionPattern, ...] = ()
    refresh: Annotated[StrictInt, Field(ge=0, le=_YEAR), Duration] = 3_600
    largest_drop: Percentage = 50.0
    account_owner_tag: TagKey | None = None


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


class ThresholdSettings(Model):
    """In per cent: from `good` on compliance is good, below `poor` it is poor."""

    good: Percentage = 95.0
    poor: Percentage = 80.0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.poor > self.good:
            raise PydanticCustomError("thresholds", "poor must not be higher than good")
        return self


class DetailLimit(StrEnum):
    """The values of the keys `max_*_series` that are not a number."""

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


LIMIT = BeforeValidator(_detail_limit)
SeriesLimit = Annotated[int | DetailLimit, LIMIT]


class NeverTagged(StrEnum):
    """What happens with resources that never had a tag, which Resource Explorer returns."""

    OFF = "off"
    REPORT = "report"
    COUNT = "count"


def _false_is_off(value: Any) -> Any:
    """YAML reads `off` as false."""
    return "off" if str(value).lower() == "false" else value


class AdditionalSource(StrEnum):
    """A source of `more_sources`: the names are those of `domain.read_status.Source`."""

    IAM = "iam"
    AUTOSCALING = "autoscaling"


class IamTagsFrom(StrEnum):
    """The calls with which the source `iam` reads the tags of roles and users."""

    ACCOUNT_DETAILS = "account_details"
    LIST_TAGS = "list_tags"


class AwsOwned(StrEnum):
    """What happens with resources that AWS creates and owns."""

    EXCLUDE = "exclude"
    COUNT = "count"


class ConsoleLinkSettings(Model):
    """The AWS access portal and the role through which links lead to the console."""

    start_url: Url | None = None
    role_name: NonEmptyText | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.start_url is None) != (self.role_name is None):
            raise PydanticCustomError("console_link", "needs start_url and role_name")
        return self


class MetricSettings(Model):
    """Which series are published: `disabled` are names of metrics, `types` patterns of types.

    The metrics by type have series only for these types; without patterns, for all.
    """

    disabled: tuple[StrictStr, ...] = ()
    types: tuple[TypeName, ...] = ()


class Config(RoleSession):
    """All settings; `docs/configuration.md` describes each key.

    In the file, `policy` names the files whose content it is here.
    """

    aws_account_matrix: tuple[Account, ...] = ()
    organization: OrganizationSettings | None = Field(default_factory=lambda: None)
    regions: tuple[StrictStr, ...] = DEFAULT_REGIONS
    required_tags: Annotated[tuple[TagKey, ...], Field(alias="REQUIRED_TAGS")] = ()
    policy: LoadedPolicy = Field(default_factory=LoadedPolicy)
    max_waiver_days: Annotated[StrictInt, Field(ge=1, le=MAX_DAYS)] = 365
    assume_role_name_template: RoleTemplate | None = None
    aws_account_overrides: Mapping[AccountId, AccountOverride] = Field(default_factory=dict)
    excluded_resource_types: tuple[NonEmptyText, ...] = ()
    aws_owned_resources: AwsOwned = AwsOwned.EXCLUDE
    never_tagged: Annotated[NeverTagged, BeforeValidator(_false_is_off)] = NeverTagged.OFF
    resource_explorer_view: ViewName | None = None
    resource_explorer_refresh: Annotated[StrictInt, Field(ge=0, le=_YEAR), Duration] = 3_600
    more_sources: tuple[AdditionalSource, ...] = ()
    iam_tags_from: IamTagsFrom = IamTagsFrom.ACCOUNT_DETAILS
    refresh_interval: Annotated[StrictInt, Field(ge=10, le=_YEAR), Duration] = 300
    storage: StorageUri = "state"
    retain_snapshots: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 48
    max_detail_series: SeriesLimit = 100_000
    max_rule_series: SeriesLimit = 100_000
    metrics: MetricSettings = Field(default_factory=MetricSettings)
    owner_tags: tuple[TagKey, ...] = ()
    max_owner_series: SeriesLimit = 200
    findings_database: StrictBool = True
    max_findings_rows: Annotated[StrictInt, Field(ge=1, le=100_000_000)] = 500_000
    report_values: StrictBool = True
    findings_access: FindingsAccess = FindingsAccess.CREDENTIALS
    console_link: ConsoleLinkSettings = Field(default_factory=ConsoleLinkSettings)
    max_concurrency: Annotated[StrictInt, Field(ge=1, le=1_000)] = 100
    calls_per_second: Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)] = 15.0
    region_deadline: Annotated[Seconds, Duration] = 900
    on_failure: OnFailure = OnFailure.DROP
    keep_last_for: Annotated[Seconds, Duration] = 86_400
    max_accounts_per_run: Annotated[StrictInt, Field(ge=0, le=1_000_000)] = 0
    silence_seconds: Annotated[
        float, Field(gt=0, le=_YEAR, strict=True, allow_inf_nan=False), Duration
    ] = 90.0
    retain_history_days: Annotated[StrictInt, Field(ge=1, le=MAX_DAYS)] = 400
    retain_runs_days: Annotated[StrictInt, Field(ge=1, le=MAX_DAYS)] = 14
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
    def _empty_collections_are_missing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        empty: dict[str, tuple[object, ...]] = {"regions": ([], ()), "organization": ({},)}
        return {k: v for k, v in data.items() if v not in empty.get(k, ())}


SCALAR_KEYS = tuple(name for name, field in Config.model_fields.items() if is_scalar(field))
"""The keys with a single value, which an environment variable can override."""

SWITCH_KEYS = frozenset(
    name for name in SCALAR_KEYS if isinstance(Config.model_fields[name].default, bool)
)
"""The keys of `SCALAR_KEYS` whose value is true or false."""

NUMBER_KEYS = frozenset(
    name for name in SCALAR_KEYS if isinstance(Config.model_fields[name].default, int | float)
) - SWITCH_KEYS | {"session_duration"}
"""The keys of `SCALAR_KEYS` whose value is a number."""

KEYS = tuple(field.alias or name for name, field in Config.model_fields.items())
"""The keys of `config.yaml`, as they are written there."""
