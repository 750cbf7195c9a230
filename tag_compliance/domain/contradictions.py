"""Pairs of rules that no tag can satisfy together."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from tag_compliance.domain.account import Target
from tag_compliance.domain.globs import Globs
from tag_compliance.domain.rules.checks.forbidden import Forbidden
from tag_compliance.domain.rules.checks.length import Length
from tag_compliance.domain.rules.checks.not_empty import NotEmpty
from tag_compliance.domain.rules.checks.not_values import ForbiddenValues
from tag_compliance.domain.rules.checks.required import Required
from tag_compliance.domain.rules.checks.values import AllowedValues
from tag_compliance.domain.rules.tag_column import KeyCase, TagKey
from tag_compliance.domain.rules.tag_rule import TagRule
from tag_compliance.domain.scope import Scope, Selection, TagConditions

_UNIT_ID = re.compile(r"(ou|r)-[0-9a-z-]+")
_NO_VALUE = "no value satisfies it together with rule {}, which is about the same key and can apply"


def contradiction(one: TagRule, other: TagRule, targets: Sequence[Target] | None) -> str | None:
    """Why no resource that has the tag can follow both rules; None if one can, or if it is not
    certain that both can apply to one resource.
    """
    text = None
    if _requires_a_forbidden_key(one, other) or _requires_a_forbidden_key(other, one):
        text = f"rule {other.rule_id} can apply as well: one requires a key that the other forbids"
    elif _share_no_value(one, other):
        text = f"{_NO_VALUE.format(other.rule_id)} as well"
    return text if text and _may_meet(one.scope, other.scope, targets) else None


def _requires_a_forbidden_key(rule: TagRule, other: TagRule) -> bool:
    """Whether each key with which `rule` is satisfied is one that `other` forbids."""
    needs_one = rule.combination is not None or any(isinstance(c, Required) for c in rule.checks)
    return needs_one and all(forbids(other, key) for key in rule.keys)


def forbids(rule: TagRule, key: TagKey) -> bool:
    """Whether the rule forbids the key in each spelling that counts."""
    if not any(isinstance(check, Forbidden) for check in rule.checks):
        return False
    [own] = rule.keys
    ignore_case = own.key_case is KeyCase.ANY
    globs = Globs((*own.keys, *own.spellings), ignore_case)
    any_spelling = key.key_case is KeyCase.ANY
    texts = (*key.keys, *key.spellings) if any_spelling else key.keys
    return (ignore_case or not any_spelling) and all(
        globs.matches(text) and not text.startswith("aws:") for text in texts
    )


def _allowed_values(rule: TagRule) -> Globs | None:
    found = (check.allowed for check in rule.checks if isinstance(check, AllowedValues))
    return next(found, None)


def literal_values(rule: TagRule) -> tuple[str, ...]:
    """The values that a rule allows; none if they are not known, because one is a glob."""
    allowed = _allowed_values(rule)
    if allowed is None or allowed.ignore_case or any("*" in text for text in allowed.texts):
        return ()
    return allowed.texts


def bounds_exclude_all(rules: Sequence[TagRule]) -> bool:
    """Whether no number of characters is one that all these rules allow."""
    checks = [check for rule in rules for check in rule.checks]
    shortest = [check.shortest or 0 for check in checks if isinstance(check, Length)]
    shortest += [1 for check in checks if isinstance(check, NotEmpty)]
    bounds = [check.longest for check in checks if isinstance(check, Length)]
    longest = [bound for bound in bounds if bound is not None]
    return bool(shortest and longest) and max(shortest) > min(longest)


def _share_no_value(one: TagRule, other: TagRule) -> bool:
    if one.combination or other.combination or one.keys[0].keys != other.keys[0].keys:
        return False
    if one.keys[0].is_glob or other.keys[0].is_glob:
        return False
    here, there = _allowed_values(one), _allowed_values(other)
    return (
        (here is not None and there is not None and not here.overlaps(there))
        or bounds_exclude_all([one, other])
        or any(_rejects_what_is_allowed(a, b) for a, b in ((one, other), (other, one)))
    )


def _rejects_what_is_allowed(rule: TagRule, by: TagRule) -> bool:
    allowed, others = _allowed_values(by), [c for c in rule.checks if type(c) is not AllowedValues]
    if allowed is None or not others:
        return False
    lists = [check.forbidden for check in others if isinstance(check, ForbiddenValues)]
    if any(includes(forbidden, allowed) for forbidden in lists if _as_wide(forbidden, allowed)):
        return True
    values = literal_values(by)
    return bool(values) and rule.rejects_all(values)


def _as_wide(forbidden: Globs, allowed: Globs) -> bool:
    return forbidden.ignore_case or not allowed.ignore_case


def _may_meet(one: Scope, other: Scope, targets: Sequence[Target] | None) -> bool:
    """Whether one resource can be in both scopes, as far as their lists and `targets` show."""
    if any(covers(exception, other) for exception in one.exceptions):
        return False
    if any(covers(exception, one) for exception in other.exceptions):
        return False
    there = dict(_conditions(other))
    pairs = [
        (one.only.accounts, other.only.accounts),
        (one.only.regions, other.only.regions),
        (_types(one.only), _types(other.only)),
        *((globs, there.get(key)) for key, globs in _conditions(one)),
    ]
    if not all(a is None or b is None or a.overlaps(b) for a, b in pairs):
        return False
    if targets is None:
        return _units_meet(one.only.units, other.only.units)
    return any(
        one.only.matches_account(str(target.account_id), target.units)
        and other.only.matches_account(str(target.account_id), target.units)
        for target in targets
    )


def _units_meet(here: Globs | None, there: Globs | None) -> bool:
    """Whether one account is certainly in the reach of both lists. A path and an id, or two ids,
    can be of one unit or not: only AWS Organizations knows.
    """
    if here is None or there is None:
        return True
    return here.overlaps(there) or here.overlaps(_below(there)) or _below(here).overlaps(there)


def _below(units: Globs) -> Globs:
    return Globs(tuple(f"{text}/*" for text in units.texts if not _UNIT_ID.fullmatch(text)))


def covers(exception: Selection, scope: Scope) -> bool:
    """Whether the exception lists everything that `only` and `when` list."""
    only = scope.only
    lists = (
        (exception.accounts, only.accounts),
        (exception.units, only.units),
        (exception.regions, only.regions),
        (_types(exception), _types(only)),
    )
    if any(wide is not None and not includes(wide, narrow) for wide, narrow in lists):
        return False
    conditions = dict(_conditions(scope))
    return all(includes(globs, conditions.get(key)) for key, globs in exception.tags)


def includes(wide: Globs, narrow: Globs | None) -> bool:
    """Whether each text of `narrow` is one that `wide` matches; None: everything."""
    texts = ("*",) if narrow is None else narrow.texts
    left = set(texts).difference(wide.texts)
    return not left or bool(wide.mask(pa.array(left, pa.string())).all())


def _types(selection: Selection) -> Globs | None:
    if selection.types is None:
        return None
    return Globs(tuple(pattern.text for pattern in selection.types), ignore_case=True)


def _conditions(scope: Scope) -> TagConditions:
    return (*scope.only.tags, *scope.when)
