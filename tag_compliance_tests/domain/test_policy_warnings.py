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
    "not_empty and no characters": (
        {"values": None, "not_empty": True, "length": {"max": 0}},
        ["no value satisfies it: not_empty and length exclude each other"],
    ),
    "letter case that the pattern rejects": (
        {"values": ["Prod"], "ignore_case": True, "pattern": "[a-z]+"},
        [],
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
    "other units": (
        {"only": {"ous": ["Workloads"]}},
        {"values": ["dev"], "only": {"ous": ["Sandbox"]}},
        False,
    ),
    "a unit with a similar name": (
        {"only": {"ous": ["Work"]}},
        {"values": ["dev"], "only": {"ous": ["Workshop/A"]}},
        False,
    ),
    "a unit below the other": (
        {"only": {"ous": ["Workloads"]}},
        {"values": ["dev"], "only": {"ous": ["Workloads/Shop"]}},
        True,
    ),
    "a unit's path and another's id": (
        {"only": {"ous": ["Workloads"]}},
        {"values": ["dev"], "only": {"ous": ["ou-ab12-cdefgh34"]}},
        False,
    ),
    "values that the other forbids": ({}, {"values": None, "not_values": ["p*"]}, True),
    "values of which the other forbids some": (
        {"values": ["prod", "dev"]},
        {"values": None, "not_values": ["prod"]},
        False,
    ),
    "a pattern that matches no value": ({}, {"values": None, "pattern": "[0-9]+"}, True),
    "a pattern that matches a value": ({}, {"values": None, "pattern": "[a-z]+"}, False),
    "lengths": (
        {"values": None, "length": {"max": 3}},
        {"values": None, "length": {"min": 5}},
        True,
    ),
    "lengths that meet": (
        {"values": None, "length": {"max": 3}},
        {"values": None, "length": {"min": 3}},
        False,
    ),
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


@pytest.mark.parametrize(
    ("required", "forbidden", "warned"),
    [
        ({"tag": "Owner", "required": True}, {"tag": "Own*"}, True),
        ({"any_tag": ["Owner", "Own"], "not_empty": True}, {"tag": ["Owner", "Own"]}, True),
        ({"any_tag": ["Owner", "Team"], "not_empty": True}, {"tag": "Owner"}, False),
        ({"tag": "Owner", "not_empty": True}, {"tag": "Owner"}, False),
        ({"tag": "Owner", "required": True}, {"tag": "owner"}, False),
        ({"tag": "Owner", "required": True, "key_case": "any"}, {"tag": "Owner"}, False),
        (
            {"tag": "Owner", "required": True, "key_case": "any"},
            {"tag": "owner", "key_case": "any"},
            True,
        ),
    ],
)
def test_a_key_that_one_rule_requires_and_another_forbids_is_a_warning(
    required: dict[str, Any], forbidden: dict[str, Any], warned: bool
) -> None:
    chosen = policy([{"id": "one", **required}, {"id": "other", "forbidden": True, **forbidden}])
    text = "rule one: rule other can apply as well: one requires a key that the other forbids"
    assert [str(w) for w in warnings_of(chosen, None)] == [text] * warned


def test_a_rule_that_forbids_a_required_tag_is_a_warning() -> None:
    chosen = policy([{"id": "r", "tag": "O*", "forbidden": True}], required=("Owner", "Env"))
    found = [str(w) for w in warnings_of(chosen, None)]
    assert found == ["rule r: it forbids Owner, which REQUIRED_TAGS requires"]


def test_two_rules_meet_only_if_an_account_that_is_scanned_is_in_both_scopes() -> None:
    targets = [replace(_TARGETS[0], ou_ids=("ou-ab12-cdefgh34",)), _TARGETS[1]]
    one = _rule("one", only={"ous": ["Work/Shop"]})
    for unit, warned in (("ou-ab12-cdefgh34", True), ("Work*", True)):
        other = _rule("other", values=["dev"], only={"ous": [unit]})
        found = list(warnings_of(policy([one, other]), targets))
        assert bool(found) == warned
    other = _rule("other", values=["dev"], only={"accounts": ["222233334444"]})
    assert list(warnings_of(policy([one, other]), targets)) == []


def test_so_many_rules_about_one_key_that_not_all_pairs_are_compared_are_a_warning() -> None:
    chosen = policy([{"id": f"r{n}", "tag": "A", "not_empty": True} for n in range(320)])
    [warning] = warnings_of(chosen, None)
    assert warning.text.startswith("more than 50,000 pairs")
