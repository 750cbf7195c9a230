"""The faults of a policy file that its types do not show, and how each fault is worded."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Any, get_args

from pydantic_core import ErrorDetails

from tag_compliance.config.base_model import Model
from tag_compliance.config.messages import RULE_OF_ERROR, suggestion
from tag_compliance.config.policy_model import (
    PolicyFile,
    PolicyRule,
    PolicyWaiver,
    RuleSelection,
    WaiverMatch,
)
from tag_compliance.config.policy_rules import rule_of
from tag_compliance.config.tag_policy import RESOURCE_TYPE, RULE_OF_TYPE
from tag_compliance.config.yaml_file import Place
from tag_compliance.domain.rules.checks.pattern import BadPattern
from tag_compliance.domain.rules.required_tag import PREFIX
from tag_compliance.domain.rules.tag_rule import TagRule
from tag_compliance.domain.severity import Severity

PlacedFault = tuple[Place, object, str]
"""Where a fault is in its rule or waiver, the value, and what is allowed."""

_RULE_OF_KEY = {
    "id": "must be 1 to 64 of a-z, 0-9 and -, and not begin with -",
    "severity": f"must be one of {', '.join(Severity)}",
    "version": "must be 1, the only version of this format",
    "key_case": "must be exact or any",
    "length": "must be a mapping with min, max or both, such as {min: 3, max: 63}",
    "min": "must be a whole number from 0 to 256, the limit of AWS",
    "max": "must be a whole number from 0 to 256, the limit of AWS",
    "reason": "must be text of at least 10 characters",
}
_NOT_TEXT = "must be text; YAML reads it as {kind}, so use quotes"
_KINDS = {"bool": "a boolean", "int": "a number", "float": "a number", "timestamp": "a date"}


def rule_of_error(details: ErrorDetails, place: Place, kind: str) -> str:
    """What is allowed, in the words of this project; `place` is in the file, and `kind` is YAML's
    name for the type of the value.
    """
    error, key = details["type"], next((p for p in reversed(place) if isinstance(p, str)), "")
    rule = None
    if error == "extra_forbidden":
        rule = _rule_of_unknown(str(place[-1]), place[:-1])
    elif error == "string_type" and kind in _KINDS:
        rule = _NOT_TEXT.format(kind=_KINDS[kind])
    elif error not in {"missing", "rule"} and key in _RULE_OF_KEY:
        rule = _RULE_OF_KEY[key]
    elif error == "too_short" and details["ctx"]["min_length"] > 1:
        rule = f"must have at least {details['ctx']['min_length']} entries"
    if rule is not None:
        return rule
    if error in RULE_OF_ERROR:
        return RULE_OF_ERROR[error].format(**details.get("ctx", {}))
    return f"{details['msg'][:1].lower()}{details['msg'][1:]}"


def _rule_of_unknown(key: str, around: Place) -> str:
    parent = next((p for p in reversed(around) if isinstance(p, str)), "")
    if parent == "match" and key == "tags":
        return "a waiver cannot depend on tags: whoever may tag could exempt their own resources"
    model = _model_of(parent)
    known = [field.alias or name for name, field in model.model_fields.items()]
    return f"unknown key{suggestion(key, known)}; known keys are {', '.join(known)}"


def _model_of(key: str) -> type[Model]:
    """The model of the mapping, or of the mappings in the list, that a key contains."""
    for around in (PolicyFile, PolicyRule, PolicyWaiver):
        for name, field in around.model_fields.items():
            if key == (field.alias or name):
                todo: list[Any] = [field.annotation]
                while todo:
                    kind = todo.pop()
                    if isinstance(kind, type) and issubclass(kind, Model):
                        return kind
                    todo += get_args(kind)
    return PolicyFile


_CHECKS = {
    *("required", "not_empty", "values", "not_values"),
    *("pattern", "length", "forbidden", "key_case"),
}


def keys_meant_by(key: str, model: type[Model]) -> set[str]:
    """The keys of a model that an unknown key may be a misspelling of; any if none is similar."""
    known = {field.alias or name for name, field in model.model_fields.items()}
    return {name for name in known if suggestion(key, [name])} or known


def faults_of_rule(rule: PolicyRule, unknown: Collection[str] = ()) -> Iterator[PlacedFault]:
    """The faults of a rule whose single keys are valid.

    The keys in `unknown` have faults themselves, so that no fault may depend on what they say.
    """
    if rule.id.startswith(PREFIX):
        yield ("id",), rule.id, f"the prefix {PREFIX} is reserved for the keys of REQUIRED_TAGS"
    yield from _faults_of_tag(rule, unknown)
    yield from _faults_of_scope(rule)
    yield from _faults_of_statement(rule)
    if rule.spellings and rule.key_case is None and "key_case" not in unknown:
        yield ("spellings",), list(rule.spellings), "needs key_case: exact or any"
    try:
        built = rule_of(rule)
    except BadPattern as error:
        yield ("pattern",), rule.pattern, f"is not a valid regular expression (RE2): {error}"
        unknown = {*unknown, "pattern"}
        built = rule_of(rule.model_copy(update={"pattern": None}))
    if not built.checks and built.combination is None and not _CHECKS & {*unknown}:
        yield (), None, "a rule needs a check, such as required, values or pattern"
    if rule.forbidden:
        yield from _faults_of_forbidden(rule)
    elif rule.example is not None and built.tag and "ignore_case" not in unknown:
        yield from _faults_of_example(rule.example, built)


def _faults_of_tag(rule: PolicyRule, unknown: Collection[str]) -> Iterator[PlacedFault]:
    if not rule.tag and not rule.any_tag and not {"tag", "any_tag"} & {*unknown}:
        yield (), None, "a rule needs tag or any_tag"
    elif rule.tag and rule.any_tag:
        yield ("any_tag",), list(rule.any_tag), "a rule has tag or any_tag, not both"
    is_one_key = not rule.forbidden and "forbidden" not in unknown
    if is_one_key and len(rule.tag or ()) > 1:
        rule_ = "must be one key; a list needs forbidden: true, or use any_tag"
        yield ("tag",), list(rule.tag or ()), rule_
    for name, keys in (("tag", rule.tag or ()), ("any_tag", rule.any_tag or ())):
        for index, key in enumerate(keys):
            if "*" in key and is_one_key:
                yield (name, index), key, "must be a key; globs need forbidden: true"
            if key in keys[:index]:
                yield (name, index), key, f"duplicate, first at {name}[{keys.index(key)}]"


def _faults_of_example(example: str, rule: TagRule) -> Iterator[PlacedFault]:
    if codes := rule.rejects(example):
        yield ("example",), example, f"its own rule rejects it: {', '.join(codes)}"


def _faults_of_statement(rule: PolicyRule) -> Iterator[PlacedFault]:
    named, keys = rule.aws and rule.aws.policy_key, rule.tag or ()
    if named and [key.casefold() for key in keys] != [named.casefold()]:
        allowed = "must be equal to tag, upper and lower case aside"
        yield ("aws", "policy_key"), named, allowed
    for index, text in enumerate((rule.aws and rule.aws.enforced_for) or ()):
        if not RESOURCE_TYPE.fullmatch(text):
            yield ("aws", "enforced_for", index), text, RULE_OF_TYPE


def _faults_of_forbidden(rule: PolicyRule) -> Iterator[PlacedFault]:
    alone = "must not be combined with forbidden: a key is required or forbidden"
    if rule.required:
        yield ("required",), "true", alone
    if rule.any_tag:
        yield ("any_tag",), list(rule.any_tag), "must be tag, which may be a list with forbidden"
    if rule.example is not None:
        yield ("example",), rule.example, "its own rule rejects it: forbidden_key"


def _faults_of_scope(rule: PolicyRule) -> Iterator[PlacedFault]:
    selections = [(("only",), rule.only)] if rule.only else []
    for place, selection in [
        *selections,
        *((("except", index), entry) for index, entry in enumerate(rule.exceptions or ())),
    ]:
        if not selection.model_dump(exclude_none=True):
            yield place, None, f"must have {', '.join(RuleSelection.model_fields)}"


def faults_of_waiver(
    waiver: PolicyWaiver, today: date, max_days: int, unknown: Collection[str] = ()
) -> Iterator[PlacedFault]:
    """The faults of a waiver whose single keys are valid; `unknown` as for a rule."""
    if not waiver.match.model_dump(exclude_none=True):
        known = ", ".join(WaiverMatch.model_fields)
        yield ("match",), None, f"must have {known}; a waiver cannot cover everything"
    if "expires" in unknown:
        return
    latest = today + timedelta(days=max_days)
    if waiver.expires > latest:
        rule = f"must be at most max_waiver_days ({max_days}) ahead: {latest} or earlier"
        yield ("expires",), str(waiver.expires), rule
    if waiver.created and waiver.created > waiver.expires:
        yield ("created",), str(waiver.created), f"must not be after expires, {waiver.expires}"
