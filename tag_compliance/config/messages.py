"""All faults that a configuration can have, described for the person who wrote it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tag_compliance.config.model import KEYS, Account, AccountOverride
from tag_compliance.errors import Fault

_ROLE_ARN = "must be arn:<partition>:iam::<account id>:role/<name>"
_MAPPING = "must be a mapping of keys to values"

_RULE_OF_KEY = {
    "alert_hook": "must be package.module:function",
    "exporter_url": "must begin with http:// or https://",
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
    "string_unicode": "must be text that can be encoded in UTF-8",
    "tuple_type": "must be a list",
    "mapping_type": _MAPPING,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "too_short": "must have at least one entry",
    "string_too_short": "must not be empty",
    "greater_than": "must be more than {gt:.10g}",
    "greater_than_equal": "must be at least {ge:.10g}",
    "less_than_equal": "must be at most {le:.10g}",
    "enum": "must be one of {expected}",
}
"""By pydantic's names for its errors, with its names for their parameters."""


def cross_key_faults(
    raw: Mapping[str, Any], regions: Mapping[str, str], source: str
) -> Iterable[Fault]:
    """The faults that a look at one key alone does not show.

    `regions` are the regions of AWS with their partitions.
    """
    first_at: dict[str, int] = {}
    matrix = raw.get("aws_account_matrix")
    for index, entry in enumerate(matrix if isinstance(matrix, list) else []):
        if not isinstance(entry, dict):
            continue
        key = f"aws_account_matrix[{index}]"
        account_id = entry.get("account_id")
        if isinstance(account_id, str) and account_id in first_at:
            rule = f"duplicate account, first at aws_account_matrix[{first_at[account_id]}]"
            yield Fault(source, f"{key}.account_id", account_id, rule)
        elif isinstance(account_id, str):
            first_at[account_id] = index
        yield from _region_faults(entry.get("regions"), f"{key}.regions", regions, source)
    overrides = raw.get("aws_account_overrides")
    for account_id in overrides if isinstance(overrides, dict) and first_at else {}:
        if isinstance(account_id, str) and account_id not in first_at:
            rule = "this account is not in aws_account_matrix"
            yield Fault(source, f"aws_account_overrides.{account_id}", None, rule)
    yield from _role_faults(overrides, source)
    yield from _duplicates(raw.get("REQUIRED_TAGS"), "REQUIRED_TAGS", source)


def _role_faults(overrides: object, source: str) -> Iterable[Fault]:
    """With a role of another account, that account's resources would count for this one."""
    for account_id, override in overrides.items() if isinstance(overrides, dict) else ():
        role_arn = override.get("role_arn") if isinstance(override, dict) else None
        if not isinstance(role_arn, str) or not isinstance(account_id, str):
            continue
        owner = role_arn.split(":")[4:5]
        if owner and re.fullmatch("[0-9]{12}", owner[0]) and owner[0] != account_id:
            rule = f"must be a role of account {account_id}"
            yield Fault(source, f"aws_account_overrides.{account_id}.role_arn", role_arn, rule)


def _region_faults(
    listed: object, key: str, regions: Mapping[str, str], source: str
) -> Iterable[Fault]:
    if not isinstance(listed, list):
        return
    partitions = sorted({regions[r] for r in listed if isinstance(r, str) and r in regions})
    if len(partitions) > 1:
        rule = f"must be regions of one partition, but are of {' and '.join(partitions)}"
        yield Fault(source, key, listed, rule)
    for index, region in enumerate(listed):
        if isinstance(region, str) and region not in regions:
            near = difflib.get_close_matches(region, regions, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield Fault(source, f"{key}[{index}]", region, f"no such AWS region{hint}")
    yield from _duplicates(listed, key, source)


def _duplicates(listed: object, key: str, source: str) -> Iterable[Fault]:
    values = listed if isinstance(listed, list) else []
    for index, value in enumerate(values):
        if isinstance(value, str) and value in values[:index]:
            rule = f"duplicate, first at {key}[{values.index(value)}]"
            yield Fault(source, f"{key}[{index}]", value, rule)


def model_faults(error: ValidationError, source: str) -> Iterable[Fault]:
    """The errors of pydantic, one for each key, in the words of this project."""
    errors = error.errors()
    for details in errors:
        if details["type"] == "too_short" and _contains_another(details["loc"], errors):
            continue  # pydantic does not count faulty entries, which are reported themselves
        yield Fault(source, _key_of(details["loc"]), _value_of(details), _rule_of(details))


def _contains_another(location: tuple[int | str, ...], errors: Iterable[ErrorDetails]) -> bool:
    depth = len(location)
    return any(len(e["loc"]) > depth and e["loc"][:depth] == location for e in errors)


def _key_of(location: tuple[int | str, ...]) -> str:
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key.removesuffix(".[key]")


def _value_of(details: ErrorDetails) -> object:
    return None if details["type"] == "missing" else details["input"]


def _rule_of(details: ErrorDetails) -> str:
    key = next((part for part in reversed(details["loc"]) if isinstance(part, str)), "")
    error = details["type"]
    if error == "extra_forbidden":
        return _unknown_key(key)
    if error != "missing" and key in _RULE_OF_KEY:
        return _RULE_OF_KEY[key]
    if error in _RULE_OF_ERROR:
        return _RULE_OF_ERROR[error].format(**details.get("ctx", {}))
    return f"{details['msg'][:1].lower()}{details['msg'][1:]}"


def _unknown_key(key: str) -> str:
    keys = [*KEYS, *Account.model_fields, *AccountOverride.model_fields]
    spelling = {known.lower(): known for known in keys}
    near = difflib.get_close_matches(key.lower(), spelling, n=1)
    return f"unknown key; did you mean {spelling[near[0]]}?" if near else "unknown key"
