"""All faults that a configuration can have, described for the person who wrote it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
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
    "role_arn": _ROLE_ARN,
    "via_role_arn": _ROLE_ARN,
}

_RULE_OF_ERROR = {
    "missing": "this key is required",
    "string_type": "must be text; use quotes if YAML reads it as another type",
    "int_type": "must be a whole number",
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
    first_at: dict[str, int] = {}
    partitions: dict[str, str] = {}
    for index, entry in enumerate(_list(raw.get("aws_account_matrix"))):
        key = f"aws_account_matrix[{index}]"
        account_id = _mapping(entry).get("account_id")
        first = first_at.setdefault(account_id, index) if isinstance(account_id, str) else index
        if first < index:
            rule = f"duplicate account, first at aws_account_matrix[{first}]"
            yield Fault(source, f"{key}.account_id", account_id, rule)
        listed = _list(_mapping(entry).get("regions"))
        yield from _region_faults(listed, f"{key}.regions", regions, source)
        partition = next((regions[r] for r in listed or default if _is_region(r, regions)), None)
        if partition and partitions.setdefault(partition, key) == key and len(partitions) > 1:
            rule = _one_partition(partition, *next(iter(partitions.items())))
            yield Fault(source, f"{key}.regions", listed or None, rule)
    partition = next(iter(partitions), None)
    yield from _role_faults(raw, first_at, partition, source)
    for key in ("REQUIRED_TAGS", "owner_tags"):
        yield from _duplicates(_list(raw.get(key)), key, source)
    yield from _unknown_metrics(_list(_mapping(raw.get("metrics")).get("disabled")), source)


def _one_partition(other: str, first: str, first_key: str) -> str:
    return (
        f"must be in the partition {first}, like {first_key}, but are in {other}: credentials are "
        "valid in one partition; use a configuration for each"
    )


def _role_faults(
    raw: Mapping[str, Any], accounts: Iterable[str], partition: str | None, source: str
) -> Iterable[Fault]:
    """The faults of all roles: of which account they are, and in which partition."""
    known = set(accounts)
    roles: list[tuple[str, object, object]] = [("via_role_arn", raw.get("via_role_arn"), None)]
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
            rule = f"no such AWS region{_suggestion(region, regions)}"
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
            rule = f"a scan publishes no such metric{_suggestion(name, known)}"
            yield Fault(source, f"metrics.disabled[{index}]", name, rule)
    yield from _duplicates(names, "metrics.disabled", source)


def _duplicates(values: list[Any], key: str, source: str) -> Iterable[Fault]:
    for index, value in enumerate(values):
        if isinstance(value, str) and value in values[:index]:
            rule = f"duplicate, first at {key}[{values.index(value)}]"
            yield Fault(source, f"{key}[{index}]", value, rule)


def _suggestion(word: str, known: Iterable[str]) -> str:
    spelling = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), spelling, n=1)
    return f"; did you mean {spelling[near[0]]}?" if near else ""


def model_faults(error: ValidationError, source: str) -> Iterable[Fault]:
    """The errors of pydantic, one for each key, in the words of this project."""
    errors = error.errors()
    for details in errors:
        location, depth = details["loc"], len(details["loc"])
        inside = (e for e in errors if e["loc"][:depth] == location and len(e["loc"]) > depth)
        if details["type"] == "too_short" and any(inside):
            continue  # pydantic does not count faulty entries, which are reported themselves
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
        models = (Account, AccountOverride, ConsoleLinkSettings, MetricSettings)
        known = [*KEYS, *(name for model in models for name in model.model_fields)]
        return f"unknown key{_suggestion(key, known)}"
    if error != "missing" and key in RULE_OF_KEY:
        return RULE_OF_KEY[key]
    if error in _RULE_OF_ERROR:
        return _RULE_OF_ERROR[error].format(**details.get("ctx", {}))
    return f"{details['msg'][:1].lower()}{details['msg'][1:]}"
