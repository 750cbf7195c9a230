"""Everything that can be wrong with a configuration, in words for the person who wrote it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tag_compliance.config.model import KEYS, Account, AccountOverride
from tag_compliance.errors import Fault


def cross_faults(
    raw: Mapping[str, Any], regions: Mapping[str, str], source: str
) -> Iterable[Fault]:
    """What no single key can tell: what one says of another, or of AWS."""
    seen: dict[object, int] = {}
    matrix = raw.get("aws_account_matrix")
    for index, entry in enumerate(matrix if isinstance(matrix, list) else []):
        if not isinstance(entry, dict):
            continue
        key = f"aws_account_matrix[{index}]"
        account_id = entry.get("account_id")
        if isinstance(account_id, str) and account_id in seen:
            rule = f"the account stands at aws_account_matrix[{seen[account_id]}] already"
            yield Fault(source, f"{key}.account_id", account_id, rule)
        elif isinstance(account_id, str):
            seen[account_id] = index
        yield from _region_faults(entry.get("regions"), f"{key}.regions", regions, source)
    overrides = raw.get("aws_account_overrides")
    for account_id in overrides if isinstance(overrides, dict) and seen else {}:
        if isinstance(account_id, str) and account_id not in seen:
            rule = "no such account in aws_account_matrix"
            yield Fault(source, f"aws_account_overrides.{account_id}", None, rule)
    yield from _role_faults(overrides, source)
    yield from _repeated(raw.get("REQUIRED_TAGS"), "REQUIRED_TAGS", source)


def _role_faults(overrides: object, source: str) -> Iterable[Fault]:
    """A role of another account would have that one's resources counted as this one's."""
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
        rule = f"an account lies in one partition, these regions in {' and '.join(partitions)}"
        yield Fault(source, key, listed, rule)
    for index, region in enumerate(listed):
        if isinstance(region, str) and region not in regions:
            near = difflib.get_close_matches(region, regions, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield Fault(source, f"{key}[{index}]", region, f"no such AWS region{hint}")
    yield from _repeated(listed, key, source)


def _repeated(listed: object, key: str, source: str) -> Iterable[Fault]:
    values = listed if isinstance(listed, list) else []
    for index, value in enumerate(values):
        if isinstance(value, str) and value in values[:index]:
            rule = f"stands at {key}[{values.index(value)}] already"
            yield Fault(source, f"{key}[{index}]", value, rule)


def told_by_pydantic(error: ValidationError, source: str) -> Iterable[Fault]:
    """Its findings in this project's words, one for each key."""
    found = error.errors()
    for details in found:
        if details["type"] == "too_short" and _holds_another(details["loc"], found):
            continue  # a list counts as short when its entries are wrong, and those are told
        yield Fault(source, _key_of(details["loc"]), _value_of(details), _rule_of(details))


def _holds_another(location: tuple[int | str, ...], found: Iterable[ErrorDetails]) -> bool:
    depth = len(location)
    return any(len(d["loc"]) > depth and d["loc"][:depth] == location for d in found)


def _key_of(location: tuple[int | str, ...]) -> str:
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key.removesuffix(".[key]")


def _value_of(details: ErrorDetails) -> object:
    return None if details["type"] == "missing" else details["input"]


def _rule_of(details: ErrorDetails) -> str:
    last = next((part for part in reversed(details["loc"]) if isinstance(part, str)), "")
    kind, context = details["type"], details.get("ctx", {})
    by_key = {
        "alert_hook": "must be package.module:function",
        "exporter_url": "must begin with http:// or https://",
        "owners": "must be team:<name> or an e-mail address",
        "account_id": "must be 12 digits in quotes; without them YAML reads a number "
        "and a leading zero is lost",
        "[key]": "must be an account id: 12 digits in quotes",
        "assume_role_name_template": "must be the name of a role; {account_id} may stand in it",
        "external_id": "must be 2 to 1224 letters, digits and _+=,.@:/-",
        "role_session_name": "must be 2 to 64 letters, digits and _+=,.@-",
        "role_arn": "must be arn:<partition>:iam::<account id>:role/<name>",
        "via_role_arn": "must be arn:<partition>:iam::<account id>:role/<name>",
    }
    by_kind = {
        "missing": "this key is required",
        "extra_forbidden": _unknown_key(last),
        "string_type": "must be a text, in quotes where YAML would read it otherwise",
        "int_type": "must be a whole number",
        "float_type": "must be a number",
        "finite_number": "must be a number, and not endless",
        "string_unicode": "must be a text that UTF-8 can hold",
        "tuple_type": "must be a list",
        "mapping_type": "must be keys and values",
        "dict_type": "must be keys and values",
        "model_type": "must be keys and values",
        "model_attributes_type": "must be keys and values",
        "too_short": "must have at least one entry",
        "string_too_short": "must not be empty",
        "enum": f"must be one of {context.get('expected', '')}",
    }
    if kind not in {"missing", "extra_forbidden"} and last in by_key:
        return by_key[last]
    return by_kind.get(kind, f"{details['msg'][:1].lower()}{details['msg'][1:]}")


def _unknown_key(key: str) -> str:
    keys = [*KEYS, *Account.model_fields, *AccountOverride.model_fields]
    spelt = {known.lower(): known for known in keys}
    near = difflib.get_close_matches(key.lower(), spelt, n=1)
    return f"unknown key; did you mean {spelt[near[0]]}?" if near else "unknown key"
