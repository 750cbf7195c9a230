"""All faults that a configuration can have, described for the person who wrote it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tag_compliance.config.model import (
    DEFAULT_REGIONS,
    KEYS,
    Account,
    AccountOverride,
    ConsoleLinkSettings,
    MetricSettings,
    OrganizationSettings,
)
from tag_compliance.errors import Fault

_ROLE_ARN = "must be arn:<partition>:iam::<account id>:role/<name>"
_MAPPING = "must be a mapping of keys to values"

_ACCOUNT_ID = re.compile("[0-9]{12}")
_ROLE = re.compile("arn:(?P<partition>[^:]*):[^:]*:[^:]*:(?P<account>[0-9]{12})(?::|$)")

RULE_OF_KEY = {
    "alert_hook": "must be package.module:function",
    "storage": "must be a folder or s3://bucket/prefix",
    "start_url": "must begin with http:// or https://",
    "exporter_url": "must begin with http:// or https://",
    "types": "must be patterns of service:type without /, such as ec2:* or s3:bucket",
    "owners": "must be team:<name> or an e-mail address",
    "account_id": "must be 12 digits in quotes; without quotes YAML reads a number "
    "and drops a leading zero",
    "[key]": "must be an account id: 12 digits in quotes",
    "assume_role_name_template": "must be the name of a role; it may contain {account_id}",
    "external_id": "must be 2 to 1224 letters, digits and _+=,.@:/-",
    "role_session_name": "must be 2 to 64 letters, digits and _+=,.@-",
    "resource_explorer_view": "must be the name of a view: 1 to 64 letters, digits and hyphens",
    **dict.fromkeys(
        ["include", "exclude"],
        "must be a list of OU paths such as Workloads/Sandbox, OU ids, and account ids in quotes",
    ),
    "ou_path": "must be the names of OUs below the root, separated by slashes",
    "region_allow": "must be a list of regions or patterns such as eu-*",
    "role_arn": _ROLE_ARN,
    "via_role_arn": _ROLE_ARN,
}

RULE_OF_ERROR = {
    "missing": "this key is required",
    "string_type": "must be text; use quotes if YAML reads it as another type",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_pattern_mismatch": "must not contain the character NUL",
    "string_unicode": "must be text that can be encoded in UTF-8",
    "tuple_type": "must be a list",
    **dict.fromkeys(["mapping_type", "dict_type", "model_type", "model_attributes_type"], _MAPPING),
    "too_short": "must have at least one entry",
    "string_too_short": "must not be empty",
    "greater_than": "must be greater than {gt:.10g}",
    "greater_than_equal": "must be at least {ge:.10g}",
    "less_than_equal": "must be at most {le:.10g}",
    "enum": "must be one of {expected}",
}
"""By pydantic's names for its errors, with its names for their parameters."""


def cross_key_faults(
    raw: Mapping[str, Any], regions: Mapping[str, str], source: str
) -> Iterable[Fault]:
    """The faults that are not visible in one key alone.

    `regions` are the regions of AWS with their partitions.
    """
    default = _list(raw.get("regions")) or list(DEFAULT_REGIONS)
    yield from _region_faults(default, "regions", regions, source)
    yield from _accounts_faults(raw, source)
    partitions: dict[str, str] = {}
    for key, listed in _lists_of_regions(raw):
        yield from _region_faults(listed, f"{key}.regions", regions, source)
        partition = next((regions[r] for r in listed or default if _is_region(r, regions)), None)
        if partition and partitions.setdefault(partition, key) == key and len(partitions) > 1:
            rule = _one_partition(partition, *next(iter(partitions.items())))
            yield Fault(source, f"{key}.regions", listed or None, rule)
    yield from _role_faults(raw, next(iter(partitions), None), source)
    yield from _organization_faults(_mapping(raw.get("organization")), regions, source)
    for key in ("REQUIRED_TAGS", "owner_tags", "more_sources"):
        yield from _duplicates(_list(raw.get(key)), key, source)
    yield from _unknown_metrics(_list(_mapping(raw.get("metrics")).get("disabled")), source)


def _accounts_faults(raw: Mapping[str, Any], source: str) -> Iterable[Fault]:
    """No account at all, or one twice."""
    matrix = raw.get("aws_account_matrix")
    if matrix in (None, [], ()) and raw.get("organization") in (None, {}):
        rule = "this key is required" if matrix is None else "must have at least one entry"
        rule += ", or the key organization, with at least one key of its own"
        yield Fault(source, "aws_account_matrix", matrix, rule)
    first_at: dict[str, int] = {}
    for index, entry in enumerate(_list(matrix)):
        account_id = _mapping(entry).get("account_id")
        first = first_at.setdefault(account_id, index) if isinstance(account_id, str) else index
        if first < index:
            rule = f"duplicate account, first at aws_account_matrix[{first}]"
            yield Fault(source, f"aws_account_matrix[{index}].account_id", account_id, rule)


def _lists_of_regions(raw: Mapping[str, Any]) -> Iterable[tuple[str, list[Any]]]:
    """The keys with a key `regions` of their own, and its list."""
    for index, entry in enumerate(_list(raw.get("aws_account_matrix"))):
        yield f"aws_account_matrix[{index}]", _list(_mapping(entry).get("regions"))
    if organization := _mapping(raw.get("organization")):
        yield "organization", _list(organization.get("regions"))


def _organization_faults(
    organization: Mapping[str, Any], regions: Mapping[str, str], source: str
) -> Iterable[Fault]:
    for name in ("include", "exclude", "region_allow"):
        yield from _duplicates(_list(organization.get(name)), f"organization.{name}", source)
    for index, pattern in enumerate(_list(organization.get("region_allow"))):
        if isinstance(pattern, str) and not any(fnmatchcase(name, pattern) for name in regions):
            rule = f"no AWS region matches{suggestion(pattern, regions)}"
            yield Fault(source, f"organization.region_allow[{index}]", pattern, rule)


def _one_partition(other: str, first: str, first_key: str) -> str:
    return (
        f"must be in the partition {first}, like {first_key}, but are in {other}: credentials are "
        "valid in one partition; use a configuration for each"
    )


def _role_faults(raw: Mapping[str, Any], partition: str | None, source: str) -> Iterable[Fault]:
    """The faults of all roles: of which account they are, and in which partition."""
    organization = _mapping(raw.get("organization"))
    # Which accounts AWS Organizations has is not known here.
    listed = [] if organization else _list(raw.get("aws_account_matrix"))
    ids = (_mapping(entry).get("account_id") for entry in listed)
    known = {account_id for account_id in ids if isinstance(account_id, str)}
    roles: list[tuple[str, object, object]] = [
        ("via_role_arn", raw.get("via_role_arn"), None),
        ("organization.role_arn", organization.get("role_arn"), None),
    ]
    for account_id, override in _mapping(raw.get("aws_account_overrides")).items():
        key = f"aws_account_overrides.{account_id}"
        is_id = isinstance(account_id, str) and _ACCOUNT_ID.fullmatch(account_id)
        owner = account_id if is_id else None
        if known and owner and owner not in known:
            yield Fault(source, key, None, "this account is not in aws_account_matrix")
        if isinstance(override, str):
            roles.append((key, override, owner))
        roles.append((f"{key}.role_arn", _mapping(override).get("role_arn"), owner))
        roles.append((f"{key}.via_role_arn", _mapping(override).get("via_role_arn"), None))
    for key, role_arn, owner in roles:
        parts = _ROLE.match(role_arn) if isinstance(role_arn, str) else None
        # With a role of another account, that account's resources would count for this one.
        if parts and owner and parts["account"] != owner:
            yield Fault(source, key, role_arn, f"must be a role of account {owner}")
        elif parts and partition and parts["partition"] != partition:
            rule = f"must be a role in the partition {partition}, like the regions"
            yield Fault(source, key, role_arn, rule)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _is_region(name: object, regions: Mapping[str, str]) -> bool:
    return isinstance(name, str) and name in regions


def _region_faults(
    listed: list[Any], key: str, regions: Mapping[str, str], source: str
) -> Iterable[Fault]:
    partitions = sorted({regions[r] for r in listed if _is_region(r, regions)})
    if len(partitions) > 1:
        rule = f"must be regions of one partition, but are in {' and '.join(partitions)}"
        yield Fault(source, key, listed, rule)
    for index, region in enumerate(listed):
        if isinstance(region, str) and region not in regions:
            rule = f"no such AWS region{suggestion(region, regions)}"
            yield Fault(source, f"{key}[{index}]", region, rule)
    yield from _duplicates(listed, key, source)


def _unknown_metrics(names: list[Any], source: str) -> Iterable[Fault]:
    if not names:
        return
    # The metric table needs pandas, which a configuration without such names does not.
    from tag_compliance.domain.metrics import METRICS

    known = [metric.name for metric in METRICS]
    for index, name in enumerate(names):
        if isinstance(name, str) and name not in known:
            rule = f"a scan publishes no such metric{suggestion(name, known)}"
            yield Fault(source, f"metrics.disabled[{index}]", name, rule)
    yield from _duplicates(names, "metrics.disabled", source)


def _duplicates(values: list[Any], key: str, source: str) -> Iterable[Fault]:
    for index, value in enumerate(values):
        if isinstance(value, str) and value in values[:index]:
            rule = f"duplicate, first at {key}[{values.index(value)}]"
            yield Fault(source, f"{key}[{index}]", value, rule)


def suggestion(word: str, known: Iterable[str]) -> str:
    spelling = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), spelling, n=1)
    return f"; did you mean {spelling[near[0]]}?" if near else ""


def distinct_errors(error: ValidationError) -> Iterable[ErrorDetails]:
    """The errors of pydantic, which does not count faulty entries of a list: these are reported
    themselves.
    """
    errors = error.errors(include_url=False)
    around = {e["loc"][:depth] for e in errors for depth in range(len(e["loc"]))}
    return (e for e in errors if e["type"] != "too_short" or e["loc"] not in around)


def model_faults(error: ValidationError, source: str) -> Iterable[Fault]:
    """The errors of pydantic, one for each key, in the words of this project."""
    for details in distinct_errors(error):
        location = details["loc"]
        # The value of an unknown key may be a secret: the file may be any other YAML file.
        hidden = details["type"] in {"missing", "extra_forbidden"}
        value = None if hidden else details["input"]
        yield Fault(source, _key_of(location), value, _rule_of(details))


def _key_of(location: tuple[int | str, ...]) -> str:
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key.removesuffix(".[key]")


def _rule_of(details: ErrorDetails) -> str:
    key = next((part for part in reversed(details["loc"]) if isinstance(part, str)), "")
    error = details["type"]
    if error == "extra_forbidden":
        models = (
            Account,
            AccountOverride,
            ConsoleLinkSettings,
            MetricSettings,
            OrganizationSettings,
        )
        known = [*KEYS, *(name for model in models for name in model.model_fields)]
        return f"unknown key{suggestion(key, (name for name in known if name != key))}"
    if error != "missing" and key in RULE_OF_KEY:
        return RULE_OF_KEY[key]
    if error in RULE_OF_ERROR:
        return RULE_OF_ERROR[error].format(**details.get("ctx", {}))
    return f"{details['msg'][:1].lower()}{details['msg'][1:]}"
