"""Each kind of rule does what its fixture says, and rejects the settings that its fixture lists."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tag_compliance.config.policy_file import load_policy
from tag_compliance.domain.resources import TaggedResources
from tag_compliance_tests.domain import naive_policy
from tag_compliance_tests.domain.organizations import table_of
from tag_compliance_tests.domain.policies import policy

_FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.yaml"))
_CONTENT = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in _FIXTURES}
_CASES = [
    pytest.param(fixture["rule"], case, id=f"{name}-{number}")
    for name, fixture in _CONTENT.items()
    for number, case in enumerate(fixture["cases"])
]
_FAULTS = [
    pytest.param(case, id=f"{name}-{number}")
    for name, fixture in _CONTENT.items()
    for number, case in enumerate(fixture["faults"])
]


@pytest.mark.parametrize(("rule", "case"), _CASES)
def test_a_resource_violates_the_rule_with_the_codes_of_the_case(
    rule: dict[str, Any], case: dict[str, Any]
) -> None:
    tags = case["tags"]
    rows = [("eu-west-1", {"arn": "arn:1", "resource_type": "ec2:vpc", "tags": tags})]
    [built] = policy([rule]).tag_rules
    found = built.violations(TaggedResources(table_of(rows)), np.ones(1, dtype=bool))
    codes = [str(code) for which in found.which for code in found.codes[which]]
    assert codes == case["codes"]
    if r"\Q" not in rule.get("pattern", ""):  # Python has no such escape sequence
        assert naive_policy.codes(rule, {"tags": tags}) == codes
    if "tag" in case:
        assert case["tag"] == (built.tag if found.tags is None else found.tags[0].as_py())


@pytest.mark.parametrize("case", _FAULTS)
def test_a_setting_that_is_wrong_is_reported_with_what_is_allowed(
    case: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump({"rules": [case["rule"]]}), encoding="utf-8")
    _, faults = load_policy([path], date(2026, 5, 4), 365)
    assert case["fault"] in [str(fault).split(": ", 1)[1] for fault in faults]
