"""The model of a policy file: typed and frozen; each key has its rule and its default.

`config/policy_faults.py` has the rules about several keys.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tag_compliance.config.base_model import Model, NonEmptyText, TagKey, Text
from tag_compliance.domain.severity import Severity

RuleName = Annotated[NonEmptyText, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
# https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html: 0 to 256 characters
_VALUE_CHARACTERS = 256
TagValue = Annotated[Text, StringConstraints(max_length=_VALUE_CHARACTERS)]

DATE_RULE = "must be a date, such as 2026-11-30"


def _day(value: object) -> object:
    """YAML reads an unquoted date as one; a time or a number is not a date."""
    if isinstance(value, datetime) or not isinstance(value, str | date):
        raise PydanticCustomError("rule", DATE_RULE)
    if not isinstance(value, str):
        return value
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:  # the 30th of February, for example
        pass
    raise PydanticCustomError("rule", DATE_RULE)


Day = Annotated[date, BeforeValidator(_day)]


def _one_or_more(value: object) -> object:
    """A single entry is a list of one."""
    return value if isinstance(value, list | tuple | None) else [value]


MAX_ENTRIES = 10_000
"""Of a list. With ten times as many, a scan takes seconds more for each pair of rules."""


def _not_too_many(value: object) -> object:
    """One fault instead of those of each entry."""
    if isinstance(value, list | tuple) and len(value) > MAX_ENTRIES:
        rule = f"must have at most {MAX_ENTRIES:,} entries, but has {len(value):,}"
        raise PydanticCustomError("rule", "{rule}", {"rule": rule})
    return value


_SOME = (Field(min_length=1, max_length=MAX_ENTRIES), BeforeValidator(_not_too_many))
Keys = Annotated[tuple[TagKey, ...], *_SOME]
TwoOrMoreKeys = Annotated[
    tuple[TagKey, ...],
    Field(min_length=2, max_length=MAX_ENTRIES),
    BeforeValidator(_not_too_many),
]
Values = Annotated[tuple[TagValue, ...], *_SOME]
Texts = Annotated[tuple[NonEmptyText, ...], *_SOME]
TagValues = Annotated[dict[TagKey, Values], Field(min_length=1)]


class KeyCaseSetting(StrEnum):
    """The values of `key_case`."""

    EXACT = "exact"
    ANY = "any"


class PolicySelection(Model):
    """Some resources: AND between the keys, OR within a list. An empty one is a fault."""

    accounts: Texts | None = None
    ous: Texts | None = None
    regions: Texts | None = None
    types: Texts | None = None


class RuleSelection(PolicySelection):
    """`only`, or an entry of `except`."""

    tags: TagValues | None = None


class RuleCondition(Model):
    """`when`: conditions about other tags of the resource."""

    tags: TagValues


Bound = Annotated[StrictInt, Field(ge=0, le=_VALUE_CHARACTERS)]


class LengthSetting(Model):
    """The smallest and the largest number of characters (code points) of a value, inclusive."""

    min: Bound | None = None
    max: Bound | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min is None and self.max is None:
            rule = "must be a mapping with min, max or both, such as {min: 3, max: 63}"
            raise PydanticCustomError("rule", rule)
        if self.min is not None and self.max is not None and self.min > self.max:
            raise PydanticCustomError("rule", "min must not be more than max")
        return self


class AwsStatement(Model):
    """What a rule keeps of the statement of an AWS tag policy from which it was imported, for the
    way back. It has no effect on the evaluation.

    `policy_key` names the statement; without it, the tag key does. `enforced_for` are the types for
    which AWS blocks tagging operations that the statement does not allow.
    """

    policy_key: TagKey | None = None
    enforced_for: Texts | None = None


class PolicyRule(Model):
    """An entry of `rules`."""

    id: RuleName
    title: Text = ""
    description: Text = ""
    severity: Severity | None = None
    owner: Text | None = None
    enabled: StrictBool = True
    tag: Annotated[Keys | None, BeforeValidator(_one_or_more)] = None
    any_tag: TwoOrMoreKeys | None = None
    required: StrictBool = False
    not_empty: StrictBool = False
    values: Values | None = None
    not_values: Values | None = None
    pattern: NonEmptyText | None = None
    length: LengthSetting | None = None
    forbidden: StrictBool = False
    key_case: KeyCaseSetting | None = None
    spellings: Keys | None = None
    ignore_case: StrictBool = False
    only: RuleSelection | None = None
    exceptions: Annotated[
        Annotated[tuple[RuleSelection, ...], Field(min_length=1)] | None,
        Field(alias="except"),
        BeforeValidator(_one_or_more),
    ] = None
    when: RuleCondition | None = None
    example: TagValue | None = None
    aws: AwsStatement | None = None


class WaiverMatch(PolicySelection):
    """The resources that a waiver covers. Their own tags are no criterion: whoever may tag a
    resource could exempt it.
    """

    arns: Texts | None = None


def _not_blank(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("rule", "must not be blank")
    return value


class PolicyWaiver(Model):
    """An entry of `waivers`."""

    id: RuleName
    rules: Texts
    match: WaiverMatch
    reason: Annotated[NonEmptyText, StringConstraints(min_length=10), AfterValidator(_not_blank)]
    owner: Annotated[NonEmptyText, AfterValidator(_not_blank)]
    expires: Day
    ticket: Text | None = None
    created: Day | None = None
    approved_by: Text | None = None


class PolicyDefaults(Model):
    """What a rule gets that does not say otherwise."""

    severity: Severity = Severity.MEDIUM
    owner: Text = ""


class PolicyFile(Model):
    """A policy file."""

    version: Literal[1] = 1
    defaults: PolicyDefaults = Field(default_factory=PolicyDefaults)
    rules: tuple[PolicyRule, ...] = ()
    waivers: tuple[PolicyWaiver, ...] = ()


class LoadedFile(Model):
    """A policy file that was loaded: its name as in messages, and the SHA-256 of its content."""

    name: str
    sha256: str


class LoadedPolicy(Model):
    """The content of all policy files, in their order; each rule has its severity and owner."""

    files: tuple[LoadedFile, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    waivers: tuple[PolicyWaiver, ...] = ()
