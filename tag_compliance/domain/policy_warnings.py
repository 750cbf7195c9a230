"""What is probably not meant in a valid policy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tag_compliance.domain.account import Target
from tag_compliance.domain.contradictions import (
    bounds_exclude_all,
    contradiction,
    covers,
    forbids,
    literal_values,
)
from tag_compliance.domain.globs import Globs
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.rules.tag_column import TagKey
from tag_compliance.domain.rules.tag_rule import TagRule
from tag_compliance.domain.scope import Scope, Selection
from tag_compliance.domain.tag_key import doubts_about

_MOST_PAIRS = 50_000
"""Comparing a pair takes up to 0.1 ms, and each scan compares them."""


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
    yield from _contradictions(policy, targets)
    for waiver, rules in zip(policy.waivers, policy.covered_rules, strict=True):
        yield from _unknown(f"waiver {waiver.waiver_id}", [waiver.match], targets)
        if not len(rules):
            text = f"no enabled rule matches {', '.join(waiver.rules.texts)}"
            yield PolicyWarning(f"waiver {waiver.waiver_id}", text)


def _contradictions(policy: Policy, targets: Sequence[Target] | None) -> Iterator[PolicyWarning]:
    for rule in policy.tag_rules:
        for key in policy.required_tags:
            if forbids(rule, TagKey((key,))):
                text = f"it forbids {key}, which REQUIRED_TAGS requires"
                yield PolicyWarning(f"rule {rule.rule_id}", text)
    pairs = _pairs_about_one_key(policy.tag_rules)
    for one, other in itertools.islice(pairs, _MOST_PAIRS):
        if text_ := contradiction(one, other, targets):
            yield PolicyWarning(f"rule {one.rule_id}", text_)
    if next(pairs, None):
        text = f"more than {_MOST_PAIRS:,} pairs of rules are about one key; these were compared"
        yield PolicyWarning("policy", text)


def _pairs_about_one_key(rules: Sequence[TagRule]) -> Iterator[tuple[TagRule, TagRule]]:
    """Pairs about the same key or keys, and those of which one forbids keys."""
    for one, other in itertools.combinations(rules, 2):
        globs = one.keys[0].is_glob, other.keys[0].is_glob
        if globs[0] != globs[1] or (not globs[0] and one.tag == other.tag):
            yield one, other


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
    elif any(covers(exception, rule.scope) for exception in rule.scope.exceptions):
        yield PolicyWarning(subject, "it never applies: except covers everything that is left")
    elif _only_excluded_types(rule.scope, policy):
        text = "it never applies: excluded_resource_types covers all of its types"
        yield PolicyWarning(subject, text)
    if bounds_exclude_all([rule]):
        yield PolicyWarning(
            subject, "no value satisfies it: not_empty and length exclude each other"
        )
    values = literal_values(rule)
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


def _only_excluded_types(scope: Scope, policy: Policy) -> bool:
    types = scope.only.types
    return types is not None and all(
        "*" not in pattern.text
        and ":" in pattern.text
        and any(excluded.matches_type(pattern.text) for excluded in policy.exclusions)
        for pattern in types
    )
