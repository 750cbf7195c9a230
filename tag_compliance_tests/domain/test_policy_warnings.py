"""What is probably not meant in a valid policy is a warning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target
from tag_compliance.domain.policy_warnings import warnings_of
from tag_compliance_tests.domain.policies import policy, waiver

_TARGETS = [
    Target(AccountId("111122223333"), AccountName("a"), (RegionName("eu-west-1"),), "Work/Shop"),
    Target(AccountId("222233334444"), AccountName("b"), (RegionName("us-east-1"),)),
]


def _rule(rule_id: str = "r", **changed: Any) -> dict[str, Any]:
    return {"id": rule_id, "tag": "Env", "values": ["prod"], **changed}


_NEVER = "it applies in no account and region that is scanned"
_CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, []),
    "known names": ({"only": {"accounts": ["1*"], "ous": ["Work"], "regions": ["eu-*"]}}, []),
    "an unknown account in except": (
        {"except": {"accounts": ["999999999999"]}},
        ["no account that is scanned matches 999999999999"],
    ),
    "an unknown unit": (
        {"only": {"ous": ["work"]}},
        ["no organizational unit that is scanned matches work", _NEVER],
    ),
    "an unknown region": (
        {"only": {"regions": ["eu-west-1", "ap-*"]}},
        ["no region that is scanned matches ap-*"],
    ),
    "an account and a region that do not meet": (
        {"only": {"accounts": ["222233334444"], "regions": ["eu-west-1"]}},
        [_NEVER],
    ),
    "except takes out all accounts": ({"except": {"accounts": ["*"]}}, [_NEVER]),
    "except takes out what only lists": (
        {"only": {"types": ["s3:bucket"]}, "except": {"types": ["S3:*"]}},
        ["it never applies: except covers everything that is left"],
    ),
    "except takes out some": ({"only": {"types": ["s3:*"]}, "except": {"types": ["s3:x"]}}, []),
    "excluded types": (
        {"only": {"types": ["ecs:task"]}},
        ["it never applies: excluded_resource_types covers all of its types"],
    ),
    "tags": (
        {"when": {"tags": {"A": ["b"]}}},
        ["its scope depends on tags: whoever may tag a resource can exempt it"],
    ),
    "a pattern that rejects all values": (
        {"values": ["prod", "dev"], "pattern": "[0-9]+"},
        ["its other checks reject each of its values"],
    ),
    "a pattern that rejects some values": ({"values": ["prod", "1"], "pattern": "[0-9]+"}, []),
}


@pytest.mark.parametrize(("changed", "expected"), _CASES.values(), ids=_CASES)
def test_a_rule_has_the_warnings_of_the_case(changed: dict[str, Any], expected: list[str]) -> None:
    chosen = replace(policy([_rule(**changed)]), excluded_resource_types=("ecs:*",))
    found = list(warnings_of(chosen, _TARGETS))
    assert [(w.subject, w.text) for w in found] == [("rule r", text) for text in expected]


_OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "no common value": ({}, {"values": ["dev"]}, True),
    "a common value": ({}, {"values": ["p*"]}, False),
    "another key": ({}, {"tag": "Other", "values": ["dev"]}, False),
    "other regions": (
        {"only": {"regions": ["eu-*"]}},
        {"values": ["dev"], "only": {"regions": ["us-*"]}},
        False,
    ),
    "overlapping types": (
        {"only": {"types": ["s3:*"]}},
        {"values": ["dev"], "only": {"types": ["*:bucket"]}},
        True,
    ),
    "the wide rule excepts the narrow one": (
        {"except": {"types": ["s3:*"]}},
        {"values": ["dev"], "only": {"types": ["s3:bucket"]}},
        False,
    ),
    "other conditions": (
        {"when": {"tags": {"Stage": ["one"]}}},
        {"values": ["dev"], "when": {"tags": {"Stage": ["two"]}}},
        False,
    ),
    "letter case": ({"values": ["PROD"], "ignore_case": True}, {}, False),
}


@pytest.mark.parametrize(("one", "other", "warned"), _OTHERS.values(), ids=_OTHERS)
def test_two_rules_without_a_common_value_that_can_meet_are_a_contradiction(
    one: dict[str, Any], other: dict[str, Any], warned: bool
) -> None:
    chosen = policy([_rule("one", **one), _rule("other", **other)])
    texts = [w.text for w in warnings_of(chosen, None) if "no value satisfies" in w.text]
    assert bool(texts) == warned


def test_a_waiver_whose_rules_match_no_rule_is_a_warning() -> None:
    waivers = [waiver("gone", rules=["old-*"]), waiver("known", rules=["required-tag-O*"])]
    found = [str(w) for w in warnings_of(policy([], waivers, ("Owner",)), _TARGETS)]
    assert found == ["waiver gone: no enabled rule matches old-*"]
