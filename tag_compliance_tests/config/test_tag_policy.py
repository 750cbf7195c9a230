"""AWS tag policies to rules and back: what AWS documents, merged documents, faults, round trips."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from tag_compliance.config.policy_file import load_policy
from tag_compliance.config.policy_model import LoadedPolicy, PolicyRule
from tag_compliance.config.tag_policy_document import ReadTagPolicy, TagPolicyReader
from tag_compliance.config.tag_policy_export import export_rules
from tag_compliance.config.tag_policy_import import import_rules
from tag_compliance.errors import BadConfiguration
from tag_compliance_tests.config.tag_policies import (
    BASIC,
    EFFECTIVE,
    KEY_CASE,
    PREVENTED_KEY,
    REQUIRED,
    VALUES_OF_CHILD,
    documents,
    rules,
)

_FOR_PEOPLE = {"id", "title"}


def _read(*contents: Any) -> ReadTagPolicy:
    reader = TagPolicyReader()
    for number, content in enumerate(contents, 1):
        text = content if isinstance(content, str) else json.dumps(content)
        reader.read_text(f"{number}.json", text)
    return reader.result()


def _imported(*contents: Any) -> list[dict[str, Any]]:
    """The rules, without what is for people only."""
    found = import_rules(_read(*contents)).rules
    return [{k: v for k, v in rule.items() if k not in _FOR_PEOPLE} for rule in found]


def _faults(*contents: Any) -> list[str]:
    with pytest.raises(BadConfiguration) as raised:
        _read(*contents)
    return [str(fault) for fault in raised.value.faults]


def _exported(*raw: dict[str, Any], target: str | None = None) -> tuple[Any, list[str]]:
    loaded = LoadedPolicy(
        rules=tuple(
            PolicyRule.model_validate({"id": f"r{number}", **rule})
            for number, rule in enumerate(raw)
        )
    )
    found = export_rules(loaded, (), target)
    return found.policy.to_json(), found.notes[:-1]


def test_a_statement_becomes_a_rule_about_the_key_and_its_values() -> None:
    assert _imported(BASIC) == [
        {
            "tag": "CostCenter",
            "key_case": "exact",
            "values": ["100", "200", "300*"],
            "aws": {"policy_key": "costcenter", "enforced_for": ["secretsmanager:ALL_SUPPORTED"]},
        }
    ]


def test_a_key_without_any_allowed_value_is_forbidden_in_any_spelling() -> None:
    [rule] = _imported(PREVENTED_KEY)
    assert (rule["tag"], rule["forbidden"], rule["key_case"]) == ("Color", True, "any")


def test_required_types_become_a_rule_of_their_own() -> None:
    assert _imported(REQUIRED) == [
        {"tag": "CostCenter", "key_case": "exact"},
        {"tag": "CostCenter", "required": True, "only": {"types": ["ec2:instance", "s3:bucket"]}},
        {"tag": "Environment", "key_case": "exact", "values": ["Production", "Staging"]},
        {"tag": "Environment", "required": True, "only": {"types": ["ec2:*"]}},
        {
            "tag": "owner",
            "key_case": "any",
            "required": True,
            "only": {"types": ["ec2:instance"]},
        },
    ]


def test_without_a_tag_key_the_lower_case_key_is_expected() -> None:
    [rule] = _imported({"tags": {"CostCenter": {"tag_value": ["1"]}}})
    assert rule == {
        "tag": "costcenter",
        "key_case": "exact",
        "values": ["1"],
        "aws": {"policy_key": "CostCenter"},
    }


def test_documents_are_merged_as_aws_merges_them() -> None:
    assert _read(KEY_CASE, VALUES_OF_CHILD).policy == _read(EFFECTIVE).policy


def test_operators_assign_append_and_remove_what_is_inherited() -> None:
    parent = {"tags": {"a": {"tag_value": {"@@assign": ["1", "2"]}}}}
    child = {"tags": {"A": {"tag_value": {"@@append": ["3", "1"], "@@remove": ["2"]}}}}
    [statement] = _read(parent, child).policy.statements
    assert (statement.policy_key, statement.values) == ("a", ("1", "3"))
    [alone] = _read({"tags": {"a": {"tag_value": {"@@append": ["3"]}}}}).policy.statements
    assert alone.values == ("3",)


@pytest.mark.parametrize("level", ["tags", "statement", "setting"])
def test_an_operator_that_a_policy_above_forbids_is_ignored_and_noted(level: str) -> None:
    control = {"@@operators_allowed_for_child_policies": ["@@append"]}
    setting = {"@@assign": ["1"], **(control if level == "setting" else {})}
    statement = {"tag_value": setting, **(control if level == "statement" else {})}
    parent = {"tags": {"a": statement, **(control if level == "tags" else {})}}
    everything = {"@@operators_allowed_for_child_policies": ["@@all"]}
    child = {"tags": {"a": {"tag_value": {"@@append": ["2"], **everything}}}}
    grandchild = {"tags": {"a": {"tag_value": {"@@assign": ["3"]}}}}
    found = _read(parent, child, grandchild)
    assert found.policy.statements[0].values == ("1", "2")
    assert found.notes == (
        "3.json: tags.a.tag_value: @@assign is ignored: a policy above does not allow it",
    )


def test_what_the_aws_command_line_prints_is_read_as_well() -> None:
    text = json.dumps(EFFECTIVE)
    effective = {"EffectivePolicy": {"PolicyContent": text, "PolicyType": "TAG_POLICY"}}
    attached = {"Policy": {"PolicySummary": {}, "Content": json.dumps(BASIC)}}
    assert _read(effective).policy == _read(EFFECTIVE).policy
    assert _read(attached).policy == _read(BASIC).policy


def test_required_tags_name_the_types_that_tag_policies_support() -> None:
    listed = [
        {"ResourceType": "ec2:instance", "ReportingTagKeys": ["Environment", "owner"]},
        {"ResourceType": "ec2:volume", "ReportingTagKeys": ["environment"]},
        {"ResourceType": "rds:db", "ReportingTagKeys": ["Environment", "Team"]},
    ]
    read = _read(REQUIRED, {"RequiredTags": listed})
    found = import_rules(read)
    types = {rule["tag"]: rule["only"]["types"] for rule in found.rules if "only" in rule}
    assert types["Environment"] == ["ec2:instance", "ec2:volume"]
    [note] = [note for note in found.notes if "Team" in note]
    assert note.startswith("ListRequiredTags: Team is required for rds:db, but the tag policy")


def test_everything_that_rules_do_not_express_is_noted_and_in_comments() -> None:
    content = {"tags": {"a": {"tag_key": "a", "new\nfeature": 1}}, "more": {}}
    imported = import_rules(_read(content, REQUIRED, PREVENTED_KEY))
    assert [note.partition(": not imported")[0].partition(": it is")[0] for note in imported.notes][
        :2
    ] == ["1.json: more", "1.json: tags.a.new\nfeature"]
    assert any("ec2:ALL_SUPPORTED: imported as ec2:*" in note for note in imported.notes)
    assert any("Color: enforced_for" in note for note in imported.notes)
    text = imported.to_yaml("a\nb")
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert len(comments) == 3 + len(imported.notes)
    assert "# - 1.json: tags.a.new\\nfeature: not imported: this setting is not known" in comments


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "1.json: is not valid JSON: "),
        ("[" * 100_000, "1.json: is not valid JSON: "),
        ("[]", "1.json: is not a tag policy: it must be a JSON object with the key tags"),
        ('{"tags": {"a": {}, "a": {}}}', "1.json: a: duplicate key"),
        ({"tags": {"a": {}, "A": {}}}, "1.json: tags.A: differs from a only in upper and lower"),
        ({"tags": {"a": []}}, "1.json: tags.a: must be an object"),
        ({"tags": {"a": {"tag_key": "b"}}}, "1.json: tags.a.tag_key = 'b': must be equal to the"),
        ({"tags": {"a": {"tag_key": {"@@append": "a"}}}}, "1.json: tags.a.tag_key.@@append: a si"),
        ({"tags": {"a": {"tag_key": {"@@set": "a"}}}}, "1.json: tags.a.tag_key.@@set: unknown op"),
        ({"tags": {"a": {"tag_value": "x"}}}, "1.json: tags.a.tag_value = 'x': must be a list"),
        ({"tags": {"a": {"tag_value": [1]}}}, "1.json: tags.a.tag_value[0] = 1: must be text"),
        ({"tags": {"a": {"tag_value": ["*@*"]}}}, "1.json: tags.a.tag_value[0] = '*@*': AWS all"),
        ({"tags": {"a": {"tag_value": ["x" * 257]}}}, "1.json: tags.a.tag_value[0] = 'xxxxxxxxxx"),
        ('{"tags": {"\\ud800": {}}}', "1.json: 'tags.\\ud800' = '\\ud800': must not"),
        ({"tags": {"*": {}}}, "1.json: tags.*: a tag key has no *"),
        ({"tags": {"a": {"enforced_for": ["*:vpc"]}}}, "1.json: tags.a.enforced_for[0] = '*:vpc'"),
        ({"tags": {"@@assign": {}}}, "1.json: tags.@@assign: unknown operator"),
        (
            {"tags": {"a": {"@@operators_allowed_for_child_policies": ["none"]}}},
            "1.json: tags.a.@@operators_allowed_for_child_policies = 'none': must be a list of",
        ),
    ],
)
def test_a_document_that_aws_rejects_is_rejected(content: Any, fault: str) -> None:
    [found] = _faults(content)
    assert found.startswith(fault)


def test_all_faults_of_all_documents_are_reported_together() -> None:
    wrong = {"tags": {"a": {"tag_value": ["**", 1]}, "b": 1}}
    assert len(_faults(wrong, "{", wrong)) == 7


def test_a_document_of_more_than_10000_characters_is_rejected_and_an_effective_policy_is_not() -> (
    None
):
    values = [f"{number:0100}" for number in range(100)]
    attached = {"tags": {"a": {"tag_value": {"@@assign": values}}}}
    assert _faults(attached) == ["1.json: has 10,343 characters; AWS allows 10,000"]
    effective = {"tags": {"a": {"tag_value": values}}}
    assert _read(effective).policy.statements[0].values == tuple(values)


@settings(deadline=None)
@given(documents())
def test_a_document_is_the_same_after_import_and_export(document: dict[str, Any]) -> None:
    text = import_rules(_read(document)).to_yaml("test")
    loaded = LoadedPolicy.model_validate({"rules": yaml.safe_load(text)["rules"]})
    assert export_rules(loaded).policy.to_json() == document


@settings(deadline=None)
@given(rules())
def test_rules_are_the_same_after_export_and_import(raw: list[dict[str, Any]]) -> None:
    document, notes = _exported(*raw)
    assert [note for note in notes if "ALL_SUPPORTED" not in note] == []
    assert _imported(document) == raw


@settings(deadline=None, max_examples=40)
@given(documents())
def test_imported_rules_are_a_valid_policy_file(document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.yaml")
        path.write_text(import_rules(_read(document)).to_yaml("test"), encoding="utf-8")
        _, faults = load_policy([path], date(2026, 5, 4), 365)
    assert faults == []


def test_ids_of_imported_rules_are_unique_and_short() -> None:
    keys = ["a b", "a-b", "a.b", "é", "ü", "x" * 127 + "1", "x" * 127 + "2"]
    types = {"report_required_tag_for": ["s3:bucket"]}
    found = import_rules(_read({"tags": {key: {"tag_key": key, **types} for key in keys}}))
    ids = [rule["id"] for rule in found.rules]
    assert ids[:4] == [
        "tag-policy-a-b",
        "tag-policy-a-b-required",
        "tag-policy-a-b-2",
        "tag-policy-a-b-2-required",
    ]
    assert len(set(ids)) == 2 * len(keys)
    assert max(map(len, ids)) == 64


@pytest.mark.parametrize(
    ("rule", "notes"),
    [
        ({"required": True}, ["required: AWS requires a tag by resource type: write only: {types"]),
        ({"not_empty": True}, ["not_empty: in AWS, a tag without a value complies"]),
        ({"pattern": "a"}, ["pattern: a tag policy has only lists of allowed values"]),
        ({"length": {"min": 1}}, ["length: a tag policy has only lists of allowed values"]),
        ({"not_values": ["a"]}, ["not_values: a tag policy has only lists of allowed values"]),
        ({"values": ["a*b*"]}, ["values: AWS allows one * in a value"]),
        ({"values": ["a"], "ignore_case": True}, ["values: AWS compares upper and lower case"]),
        ({"values": ["a"], "key_case": "any"}, ["values: AWS checks the values of exactly one"]),
        ({"values": ["a"], "enabled": False}, ["it is disabled"]),
        ({"values": ["a"], "except": {"regions": ["x"]}}, ["except: a tag policy has no exceptio"]),
        ({"values": ["a"], "when": {"tags": {"b": ["c"]}}}, ["a tag policy has no conditions ab"]),
        ({"values": ["a"], "only": {"regions": ["x"]}}, ["only.regions: a tag policy applies in"]),
        ({"values": ["a"], "only": {"accounts": ["1"]}}, ["it is limited to 1: --target prints"]),
        ({"values": ["a"], "only": {"types": ["a:b"]}}, ["only.types: in AWS, types limit only"]),
        ({"required": True, "only": {"types": ["bucket"]}}, ["only.types bucket: a tag policy n"]),
        (
            {"values": ["a"], "only": {"accounts": ["1"], "ous": ["Work"]}},
            ["only.accounts and only.ous together: a tag policy is attached to one of them"],
        ),
        (
            {"spellings": ["Ownr"], "key_case": "any"},
            ["spellings: AWS reports only spellings that differ in upper and lower case"],
        ),
        ({"any_tag": ["a", "b"], "tag": None}, ["any_tag: a statement of a tag policy is about"]),
        ({"forbidden": True, "key_case": "any", "tag": ["x*"]}, ["tag x*: a tag policy has no g"]),
    ],
)
def test_what_a_tag_policy_cannot_express_is_noted_and_not_exported(
    rule: dict[str, Any], notes: list[str]
) -> None:
    document, found = _exported({"tag": "Owner", **rule})
    assert document == {"tags": {}}
    assert len(found) == len(notes)
    assert [
        n for n, start in zip(found, notes, strict=True) if not n.startswith(f"rule r0: {start}")
    ] == []


def test_a_difference_that_an_export_makes_is_noted() -> None:
    document, notes = _exported({"tag": "Owner", "values": ["a"]})
    assert document["tags"] == {
        "Owner": {"tag_key": {"@@assign": "Owner"}, "tag_value": {"@@assign": ["a"]}}
    }
    assert notes == ["rule r0: AWS also reports other spellings of Owner"]
    document, notes = _exported({"tag": ["a", "b"], "forbidden": True})
    assert [*document["tags"]] == ["a", "b"]
    assert notes == [f"rule r0: AWS forbids {key} in any upper and lower case" for key in "ab"]


def test_rules_about_one_key_become_one_statement_and_what_differs_is_noted() -> None:
    exact: dict[str, Any] = {"tag": "Owner", "key_case": "exact"}
    types = {"types": ["s3:bucket"]}
    document, notes = _exported(
        {**exact, "values": ["a"]},
        {**exact, "values": ["b"]},
        {"tag": "owner", "key_case": "exact"},
        {"tag": "Owner", "required": True, "key_case": "any", "only": types},
    )
    assert document["tags"] == {
        "Owner": {"tag_key": {"@@assign": "Owner"}, "tag_value": {"@@assign": ["a"]}}
    }
    assert [note.partition(":")[0] for note in notes] == ["rule r2", "rule r1", "rule r3"]


def test_rules_for_an_account_or_a_unit_are_exported_for_it_alone() -> None:
    rule = {"tag": "Owner", "key_case": "exact"}
    scoped = {**rule, "only": {"ous": ["Work/Shop", "ou-ab12-cdefgh34"]}}
    assert _exported(scoped)[0] == {"tags": {}}
    everywhere = _exported({**rule, "tag": "Team"}, scoped, target="ou-ab12-cdefgh34")
    assert [*everywhere[0]["tags"]] == ["Owner"]
    assert everywhere[1] == ["rule r0: its scope does not list ou-ab12-cdefgh34"]


def test_a_forbidden_key_wins_over_values_that_another_rule_allows() -> None:
    document, notes = _exported(
        {"tag": "Owner", "key_case": "exact", "values": ["a"]},
        {"tag": "Owner", "key_case": "any", "forbidden": True},
    )
    assert document["tags"]["Owner"]["tag_value"] == {"@@assign": []}
    assert notes == ["rule r0: values: another rule about this key has other values"]


def test_what_a_rule_keeps_for_aws_must_be_what_aws_accepts(tmp_path: Path) -> None:
    aws = {"policy_key": "Team", "enforced_for": ["ec2:instance", "*:vpc"]}
    rule = {"id": "r", "tag": "Owner", "required": True, "aws": aws}
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"rules": [rule]}), encoding="utf-8")
    _, faults = load_policy([path], date(2026, 5, 4), 365)
    assert [(fault.key, fault.value) for fault in faults] == [
        ("rule r: aws.policy_key", "Team"),
        ("rule r: aws.enforced_for[1]", "*:vpc"),
    ]
