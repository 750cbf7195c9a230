"""A required tag is a rule that applies to every resource and that an absent key violates."""

from __future__ import annotations

import numpy as np

from tag_compliance.domain.resources import TaggedResources
from tag_compliance.domain.rules.base import Code
from tag_compliance.domain.rules.required_tag import RequiredTag
from tag_compliance.domain.severity import Severity
from tag_compliance_tests.domain.organizations import table_of

TAGS: list[dict[str, str]] = [{"Owner": "a"}, {"owner": "a"}, {"Owner": ""}, {}]
RESOURCES = TaggedResources(
    table_of(
        ("eu-west-1", {"arn": "arn:a", "resource_type": "s3:bucket", "tags": tags}) for tags in TAGS
    )
)


def test_only_an_absent_key_is_a_violation_not_an_empty_value() -> None:
    violations = RequiredTag("Owner").violations(RESOURCES, np.ones(4, dtype=bool))

    assert violations.rows.tolist() == [1, 3]
    assert [violations.codes[number] for number in violations.which] == [(Code.MISSING,)] * 2


def test_the_rule_applies_to_every_resource() -> None:
    assert RequiredTag("Owner").applies_to(RESOURCES).tolist() == [True] * 4


def test_the_rule_has_the_key_in_its_id_and_medium_severity() -> None:
    rule = RequiredTag("Cost Center")

    assert (rule.rule_id, rule.tag) == ("required-tag-Cost Center", "Cost Center")
    assert rule.severity is Severity.MEDIUM
