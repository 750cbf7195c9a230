"""docs/policy.md names every key of a policy file, and its examples do what they say."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tag_compliance.config.base_model import Model
from tag_compliance.config.policy_file import load_policy
from tag_compliance.config.policy_model import (
    PolicyFile,
    PolicyRule,
    PolicyWaiver,
    RuleSelection,
    WaiverMatch,
)
from tag_compliance.config.policy_schema import policy_schema
from tag_compliance.domain.resources import TaggedResources
from tag_compliance.domain.rules.base import Code
from tag_compliance_tests.docs.test_docs import ROOT, rows, text_of
from tag_compliance_tests.domain.organizations import table_of
from tag_compliance_tests.domain.policies import TODAY, policy

_PAGE = text_of("docs/policy.md")
_SHIPPED = yaml.safe_load(text_of("policy.yaml"))
_SECTION = re.compile(r"^### \d+\. .*?\n```yaml\n(.*?)```\n\n(.*?)\n\n", re.MULTILINE | re.DOTALL)
_EXAMPLES = [(yaml.safe_load(code)[0], table) for code, table in _SECTION.findall(_PAGE)]


@pytest.mark.parametrize("model", [PolicyFile, PolicyRule, PolicyWaiver, RuleSelection])
def test_the_page_documents_each_key(model: type[Model]) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert keys <= set(re.findall(r"`(\w+)`", " ".join(row[0] for row in rows(_PAGE))))
    match = next(row[1] for row in rows(_PAGE) if row[0] == "`match`")
    assert set(WaiverMatch.model_fields) == set(re.findall(r"`(\w+)`", match))


def test_the_page_documents_each_code() -> None:
    cells = " ".join(row[0] for row in rows(_PAGE))
    assert {f"`{code}`" for code in Code} <= set(re.findall(r"`\w+`", cells))


def test_the_shipped_file_has_the_twelve_examples_of_the_page() -> None:
    assert [rule for rule, _ in _EXAMPLES] == _SHIPPED["rules"]
    assert len(_EXAMPLES) == 12


@pytest.mark.parametrize(("rule", "table"), _EXAMPLES, ids=lambda part: str(part)[:20])
def test_each_example_does_what_its_table_says(rule: dict[str, Any], table: str) -> None:
    [built] = policy([rule]).tag_rules
    cases = [row for row in rows(table) if not row[0].startswith("tags of")]
    assert len(cases) > 1
    for cell, result in cases:
        row = {"arn": "a", "resource_type": "s3:bucket", "tags": yaml.safe_load(cell.strip("`"))}
        units = ("Workloads", "Workloads/CustomerData")
        resources = TaggedResources(table_of([("eu-west-1", row)]), "222222222222", units)
        applies = built.applies_to(resources)
        found = built.violations(resources, applies)
        codes = ["`" + ", ".join(codes) + "`" for codes in found.codes]
        passes = "passes" if applies.all() else "does not apply"
        assert (codes or [passes]) == [result], cell


def test_the_shipped_file_is_valid_for_the_program_and_for_editors() -> None:
    _, faults = load_policy([ROOT / "policy.yaml"], date(2026, 5, 4), 365)
    assert faults == []
    text = text_of("policy.yaml")
    assert text.startswith("# yaml-language-server: $schema=policy.schema.json\n")
    commented = text.partition("# waivers:")[2]
    waivers = yaml.safe_load("waivers:" + commented.replace("\n#", "\n"))
    with_waiver = {**_SHIPPED, **json.loads(json.dumps(waivers, default=str))}
    schema = policy_schema()
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(with_waiver)) == []
    assert list(Draft202012Validator(schema).iter_errors({"rulez": []})) != []


def test_the_shipped_schema_is_the_one_of_the_program() -> None:
    command = "tag-compliance policy schema > policy.schema.json"
    assert text_of("policy.schema.json") == json.dumps(policy_schema(), indent=2) + "\n", command


def test_the_example_of_a_file_is_valid() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
    content = yaml.safe_load(next(block for block in blocks if "waivers:" in block))
    found = policy(content["rules"], [{**w, "expires": TODAY} for w in content["waivers"]])
    assert [numbers.tolist() for numbers in found.covered_rules] == [[0]]
