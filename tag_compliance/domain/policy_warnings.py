"""What is probably not meant in a valid policy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tag_compliance.domain.account import Target
from tag_compliance.domain.globs import Globs
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.rules.checks.values import AllowedValues
from tag_compliance.domain.rules.tag_rule import TagRule
from tag_compliance.domain.scope import Scope, Selection, TagConditions
from tag_compliance.domain.tag_key import doubts_about


@dataclass(frozen=True, slots=True)
class PolicyWarning:
    """`subject` is a required tag, a rule or a waiver, such as `rule owner-present`."""

    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


def warnings_of(policy: Policy, targets: Sequence[Target] | None) -> Iterator[PolicyWarning]:
    """The warnings, required tags and rules first; None as `targets`: accounts and regions are not
    known.
    """
    for key in policy.required_tags:
        if doubts := doubts_about(key):
            yield PolicyWarning(f"REQUIRED_TAGS {key!r}", doubts)
    for rule in policy.tag_rules:
        selections = [rule.scope.only, *rule.scope.exceptions]
        yield from _unknown(f"rule {rule.rule_id}", selections, targets)
        yield from _of_rule(rule, policy, targets)
    for one, other in itertools.combinations(policy.tag_rules, 2):
        if _contradict(one, other):
            text = f"no value satisfies it together with rule {other.rule_id}, which is about the "
            yield PolicyWarning(f"rule {one.rule_id}", f"{text}same key and can apply as well")
    for waiver, rules in zip(policy.waivers, policy.covered_rules, strict=True):
        yield from _unknown(f"waiver {waiver.waiver_id}", [waiver.match], targets)
        if not len(rules):
            text = f"no enabled rule matches {', '.join(waiver.rules.texts)}"
            yield PolicyWarning(f"waiver {waiver.waiver_id}", text)


def _unknown(
    subject: str, selections: Sequence[Selection], targets: Sequence[Target] | None
) -> Iterator[PolicyWarning]:
    """Entries of accounts, organizational units and regions that match none that is scanned."""
    if targets is None:
        return
    accounts = {str(target.account_id) for target in targets}
    units = {unit for target in targets for unit in target.units}
    regions = {str(region) for target in targets for region in target.regions}
    for selection in selections:
        for kind, globs, known in (
            ("account", selection.accounts, accounts),
            ("organizational unit", selection.units, units),
            ("region", selection.regions, regions),
        ):
            names = pa.array(known, pa.string())
            for text in globs.texts if globs else ():
                if text not in known and not ("*" in text and Globs((text,)).mask(names).any()):
                    yield PolicyWarning(subject, f"no {kind} that is scanned matches {text}")


def _of_rule(
    rule: TagRule, policy: Policy, targets: Sequence[Target] | None
) -> Iterator[PolicyWarning]:
    subject = f"rule {rule.rule_id}"
    if rule.scope.depends_on_tags:
        text = "its scope depends on tags: whoever may tag a resource can exempt it"
        yield PolicyWarning(subject, text)
    if targets is not None and not any(_applies(rule.scope, target) for target in targets):
        yield PolicyWarning(subject, "it applies in no account and region that is scanned")
    elif any(_covers(exception, rule.scope) for exception in rule.scope.exceptions):
        yield PolicyWarning(subject, "it never applies: except covers everything that is left")
    elif _only_excluded_types(rule.scope, policy):
        text = "it never applies: excluded_resource_types covers all of its types"
        yield PolicyWarning(subject, text)
    values = _literal_values(rule)
    if values and rule.rejects_all(values):
        yield PolicyWarning(subject, "its other checks reject each of its values")


def _applies(scope: Scope, target: Target) -> bool:
    """Whether the rule can apply to a resource of the account, in one of its regions."""
    account_id, units = str(target.account_id), target.units
    if not scope.only.matches_account(account_id, units):
        return False
    left = [
        region
        for region in target.regions
        if scope.only.regions is None or scope.only.regions.matches(region)
    ]
    for exception in scope.exceptions:
        of_account = exception.matches_account(account_id, units)
        if of_account and exception.types is None and not exception.tags:
            regions = exception.regions
            left = [r for r in left if regions is not None and not regions.matches(r)]
    return bool(left)


def _covers(exception: Selection, scope: Scope) -> bool:
    """Whether the exception lists everything that `only` and `when` list."""
    only = scope.only
    lists = (
        (exception.accounts, only.accounts),
        (exception.units, only.units),
        (exception.regions, only.regions),
        (_types(exception), _types(only)),
    )
    if any(wide is not None and not _includes(wide, narrow) for wide, narrow in lists):
        return False
    conditions = dict((*only.tags, *scope.when))
    return all(_includes(globs, conditions.get(key)) for key, globs in exception.tags)


def _types(selection: Selection) -> Globs | None:
    if selection.types is None:
        return None
    return Globs(tuple(pattern.text for pattern in selection.types), ignore_case=True)


def _includes(wide: Globs, narrow: Globs | None) -> bool:
    """Whether each text of `narrow` is one that `wide` matches; None: everything."""
    texts = ("*",) if narrow is None else narrow.texts
    left = set(texts).difference(wide.texts)
    return not left or bool(wide.mask(pa.array(left, pa.string())).all())


def _only_excluded_types(scope: Scope, policy: Policy) -> bool:
    types = scope.only.types
    return types is not None and all(
        "*" not in pattern.text
        and ":" in pattern.text
        and any(excluded.matches_type(pattern.text) for excluded in policy.exclusions)
        for pattern in types
    )


def _literal_values(rule: TagRule) -> tuple[str, ...]:
    """The values that a rule lists; none if one of them is a glob."""
    allowed = _allowed(rule)
    return () if allowed is None or any("*" in t for t in allowed.texts) else allowed.texts


def _allowed(rule: TagRule) -> Globs | None:
    found = (check.allowed for check in rule.checks if isinstance(check, AllowedValues))
    return next(found, None)


def _contradict(one: TagRule, other: TagRule) -> bool:
    """Whether two rules are about one key, can apply to one resource, and share no value."""
    here, there = _allowed(one), _allowed(other)
    if here is None or there is None or one.combination or other.combination:
        return False
    if one.keys[0].keys != other.keys[0].keys or not _may_meet(one.scope, other.scope):
        return False
    return not here.overlaps(there)


def _may_meet(one: Scope, other: Scope) -> bool:
    """Whether one resource can be in both scopes, as far as their lists show."""
    if any(_covers(exception, other) for exception in one.exceptions):
        return False
    if any(_covers(exception, one) for exception in other.exceptions):
        return False
    pairs = [
        (one.only.accounts, other.only.accounts),
        (one.only.regions, other.only.regions),
        (_types(one.only), _types(other.only)),
    ]
    there = dict(_conditions(other))
    pairs += [(globs, there.get(key)) for key, globs in _conditions(one)]
    return all(a is None or b is None or a.overlaps(b) for a, b in pairs)


def _conditions(scope: Scope) -> TagConditions:
    return (*scope.only.tags, *scope.when)
