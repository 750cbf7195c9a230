"""The parts of a rule that an AWS tag policy can express, and a note on each other part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tag_compliance.config.policy_model import (
    AwsStatement,
    KeyCaseSetting,
    PolicyRule,
    RuleSelection,
)
from tag_compliance.config.tag_policy import ALL_SUPPORTED, RESOURCE_TYPE

Note = Callable[[str], None]

_HANDLED = {
    *("id", "title", "description", "severity", "owner", "enabled", "example", "aws"),
    *("tag", "any_tag", "key_case", "spellings", "only", "exceptions", "when"),
    *("required", "not_empty", "values", "ignore_case", "forbidden"),
}
"""The keys of a rule that have code here; any other one, such as a new check, is noted."""


@dataclass(frozen=True, slots=True)
class KeyPart:
    """What one rule says about one key, as far as a tag policy can say it.

    `checks_key`: other spellings are reported. `any_case`: the key counts in any upper and lower
    case. `values` is None for any value, and empty if the key is forbidden.
    """

    rule_id: str
    key: str
    checks_key: bool
    any_case: bool
    values: tuple[str, ...] | None
    required_for: tuple[str, ...]
    aws: AwsStatement


def parts_of(rule: PolicyRule, target: str | None, note: Note) -> Iterator[KeyPart]:
    """One for each key of the rule; `target` is the account or OU whose document is wanted."""
    reasons = list(_reasons_against(rule, target))
    for reason in reasons:
        note(reason)
    if reasons:
        return
    types = rule.only.types if rule.only else None
    for text in _inexpressible(rule, types):
        note(text)
    for key in rule.tag or ():
        if "*" in key:
            note(f"tag {key}: a tag policy has no globs of keys")
            continue
        any_case = rule.key_case is KeyCaseSetting.ANY
        values = () if rule.forbidden else _values_of(rule)
        part = KeyPart(
            rule.id,
            key,
            rule.key_case is KeyCaseSetting.EXACT and not types,
            any_case,
            None if types else values,
            tuple(_aws_types(types or (), note)) if rule.required else (),
            rule.aws or AwsStatement(),
        )
        if part.checks_key or part.values is not None or part.required_for:
            yield part


def _reasons_against(rule: PolicyRule, target: str | None) -> Iterator[str]:
    """Why nothing of the rule can be exported."""
    only = rule.only or RuleSelection()
    if not rule.enabled:
        yield "it is disabled"
    if rule.any_tag:
        yield "any_tag: a statement of a tag policy is about one key"
    if rule.exceptions:
        yield "except: a tag policy has no exceptions"
    if rule.when or only.tags:
        yield "a tag policy has no conditions about tags"
    if only.regions:
        yield "only.regions: a tag policy applies in all regions"
    units = (*(only.accounts or ()), *(only.ous or ()))
    if only.accounts and only.ous:
        yield "only.accounts and only.ous together: a tag policy is attached to one of them"
    elif target is None and units:
        named = ", ".join(units)
        yield f"it is limited to {named}: --target prints the document to attach there"
    elif target is not None and target not in units:
        yield f"its scope does not list {target}"


def _inexpressible(rule: PolicyRule, types: tuple[str, ...] | None) -> Iterator[str]:
    if rule.not_empty:
        yield "not_empty: in AWS, a tag without a value complies"
    for name, field in PolicyRule.model_fields.items():
        if name not in _HANDLED and getattr(rule, name) != field.default:
            yield f"{name}: a tag policy has only lists of allowed values"
    if rule.spellings:
        yield "spellings: AWS reports only spellings that differ in upper and lower case"
    if rule.values is not None and _values_of(rule) is None:
        yield f"values: {_reason_against_values(rule)}"
    if rule.required and not types:
        yield "required: AWS requires a tag by resource type: write only: {types: …}"
    is_checked = rule.forbidden or rule.values or rule.key_case is KeyCaseSetting.EXACT
    if types and is_checked:
        yield "only.types: in AWS, types limit only required, not the key and its values"


def _values_of(rule: PolicyRule) -> tuple[str, ...] | None:
    return None if _reason_against_values(rule) else rule.values


def _reason_against_values(rule: PolicyRule) -> str:
    if rule.ignore_case:
        return "AWS compares upper and lower case"
    if rule.key_case is KeyCaseSetting.ANY:
        return "AWS checks the values of exactly one spelling of the key"
    if any(value.count("*") > 1 for value in rule.values or ()):
        return "AWS allows one * in a value"
    return ""


def _aws_types(types: tuple[str, ...], note: Note) -> Iterator[str]:
    for text in types:
        service, _, kind = text.partition(":")
        if not RESOURCE_TYPE.fullmatch(text):
            note(f"only.types {text}: a tag policy needs service:type, or service:*")
        elif kind == "*":
            aws = f"{service}:{ALL_SUPPORTED}"
            note(f"only.types {text}: exported as {aws}, the types that tag policies support")
            yield aws
        else:
            yield text
