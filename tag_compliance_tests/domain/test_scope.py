"""Which resources a scope selects; `test_rules_agree.py` compares whole policies."""

from __future__ import annotations

from typing import Any

import pytest

from tag_compliance.domain.resources import TaggedResources
from tag_compliance_tests.domain.organizations import table_of
from tag_compliance_tests.domain.policies import policy

_TAGS = [{"A": "1", "B": "1"}, {"A": "1"}, {"B": "1"}, {"A": "2", "B": "1"}, {}]


@pytest.mark.parametrize(
    ("scope", "selected"),
    [
        ({"only": {"tags": {"A": ["1"], "B": ["1"]}}}, [0]),
        ({"only": {"tags": {"B": ["1"], "A": ["1", "2"]}}}, [0, 3]),
        ({"when": {"tags": {"A": ["1"], "B": ["1"]}}}, [0]),
        ({"except": {"tags": {"A": ["1"], "B": ["1"]}}}, [1, 2, 3, 4]),
        ({"except": [{"tags": {"A": ["1"]}}, {"tags": {"B": ["1"]}}]}, [4]),
    ],
)
def test_all_tags_of_a_selection_and_any_entry_of_except_count(
    scope: dict[str, Any], selected: list[int]
) -> None:
    rows = [
        ("eu-west-1", {"arn": f"arn:{n}", "resource_type": "ec2:vpc", "tags": tags})
        for n, tags in enumerate(_TAGS)
    ]
    [rule] = policy([{"id": "r", "tag": "C", "required": True, **scope}]).tag_rules
    assert rule.applies_to(TaggedResources(table_of(rows))).nonzero()[0].tolist() == selected
