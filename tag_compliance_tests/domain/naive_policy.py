"""A second, simple implementation of rules and waivers, with which the fast one must agree.

It is written from the specification, in plain Python, and works on the mappings of a policy file.
A resource is `{"account", "units", "region", "type", "arn", "tags"}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

Raw = Mapping[str, Any]
ORDER = (
    *("missing", "wrong_key", "empty", "value_not_allowed", "value_forbidden"),
    *("pattern_mismatch", "too_short", "too_long", "forbidden_key"),
)


def glob(pattern: str, text: str) -> bool:
    """`*` is any number of any characters; everything else is literal."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    if not text.startswith(first):
        return False
    text = text[len(first) :]
    for part in rest[:-1]:
        at = text.find(part)
        if at < 0:
            return False
        text = text[at + len(part) :]
    return text.endswith(rest[-1])


def one_of(globs: Iterable[str], text: str) -> bool:
    return any(glob(pattern, text) for pattern in globs)


def has_tags(conditions: Mapping[str, list[str]], tags: Mapping[str, str]) -> bool:
    return all(key in tags and one_of(globs, tags[key]) for key, globs in conditions.items())


def selects(selection: Raw, resource: Raw) -> bool:
    """AND between the keys, OR within a list."""
    tests: dict[str, Callable[[Any], bool]] = {
        "accounts": lambda globs: one_of(globs, resource["account"]),
        "ous": lambda globs: any(one_of(globs, unit) for unit in resource["units"]),
        "regions": lambda globs: one_of(globs, resource["region"]),
        "types": lambda globs: any(_type_matches(g, resource["type"]) for g in globs),
        "arns": lambda globs: one_of(globs, resource["arn"]),
        "tags": lambda conditions: has_tags(conditions, resource["tags"]),
    }
    return all(tests[key](value) for key, value in selection.items())


def _type_matches(pattern: str, resource_type: str) -> bool:
    pattern, text = pattern.lower(), resource_type.lower()
    bare = ":" not in pattern and "*" not in pattern
    return pattern in text if bare else glob(pattern, text)


def applies(rule: Raw, resource: Raw) -> bool:
    exceptions = rule.get("except", [])
    if isinstance(exceptions, Mapping):
        exceptions = [exceptions]
    return (
        selects(rule.get("only", {}), resource)
        and not any(selects(exception, resource) for exception in exceptions)
        and has_tags(rule.get("when", {}).get("tags", {}), resource["tags"])
    )


def exempted_by_tag(rule: Raw, resource: Raw) -> bool:
    """Whether a tag of the resource, or a tag that it lacks, takes it out of the scope."""
    exceptions = rule.get("except", [])
    if isinstance(exceptions, Mapping):
        exceptions = [exceptions]
    only = {key: value for key, value in rule.get("only", {}).items() if key != "tags"}
    without_tags = {"only": only, "except": [e for e in exceptions if "tags" not in e]}
    return applies(without_tags, resource) and not applies(rule, resource)


def codes(rule: Raw, resource: Raw) -> list[str]:
    """What is wrong with a resource that the rule applies to, in the order of the codes."""
    tags = resource["tags"]
    if rule.get("forbidden"):
        return ["forbidden_key"] if forbidden_keys(rule, tags) else []
    found: set[str] = set()
    keys = rule.get("any_tag") or [rule["tag"]]
    others = [k for key in keys for k in tags if k != key and _similar(rule, key, k)]
    if rule.get("key_case") == "exact" and others:
        found.add("wrong_key")
    results = [_of_key(rule, key, tags) for key in keys]
    if not rule.get("any_tag"):
        found |= results[0] or set()
        if results[0] is None and rule.get("required"):
            found.add("missing")
    elif all(result is None for result in results):
        found.add("missing")
    elif not any(result == set() for result in results):
        found |= {code for result in results if result for code in result}
    return sorted(found, key=ORDER.index)


def _similar(rule: Raw, key: str, other: str) -> bool:
    spellings = [key, *rule.get("spellings", [])]
    return other.casefold() in {spelling.casefold() for spelling in spellings}


def _of_key(rule: Raw, key: str, tags: Mapping[str, str]) -> set[str] | None:
    """What is wrong with the values of this key; None if it is absent."""
    counted = [
        value
        for other, value in tags.items()
        if other == key or (rule.get("key_case") == "any" and _similar(rule, key, other))
    ]
    return {code for value in counted for code in _of_value(rule, value)} if counted else None


def _of_value(rule: Raw, value: str) -> Iterable[str]:
    def fold(text: str) -> str:
        return text.casefold() if rule.get("ignore_case") else text

    def listed(name: str) -> bool:
        return one_of(map(fold, rule[name]), fold(value))

    if rule.get("not_empty") and not value:
        yield "empty"
    if "values" in rule and not listed("values"):
        yield "value_not_allowed"
    if "not_values" in rule and listed("not_values"):
        yield "value_forbidden"
    if "pattern" in rule and not re.fullmatch(rule["pattern"], value):
        yield "pattern_mismatch"
    if len(value) < rule.get("length", {}).get("min", 0):
        yield "too_short"
    if len(value) > rule.get("length", {}).get("max", 256):
        yield "too_long"


def forbidden_keys(rule: Raw, tags: Mapping[str, str]) -> list[str]:
    listed = [rule["tag"]] if isinstance(rule["tag"], str) else rule["tag"]
    listed = [*listed, *rule.get("spellings", [])]

    def fold(text: str) -> str:
        return text.casefold() if rule.get("key_case") == "any" else text

    return sorted(
        (
            key
            for key in tags
            if one_of(map(fold, listed), fold(key)) and not key.startswith("aws:")
        ),
        key=lambda key: key.encode(),
    )


def waiver_of(
    waivers: Sequence[Raw], rule_id: str, resource: Raw, today: date
) -> tuple[str | None, list[str]]:
    """The id of the waiver that is named, and the ids of all that match."""
    matching = [
        waiver
        for waiver in waivers
        if one_of(waiver["rules"], rule_id) and selects(waiver["match"], resource)
    ]
    valid = [waiver for waiver in matching if today <= waiver["expires"]]
    last = max((waiver["expires"] for waiver in valid), default=None)
    named = next((w["id"] for w in valid if w["expires"] == last), None)
    return named, [waiver["id"] for waiver in matching]
