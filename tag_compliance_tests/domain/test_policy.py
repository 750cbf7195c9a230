"""Which resource types an exclusion pattern matches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.policy import Policy
from tag_compliance_tests.domain import naive


def _excludes(pattern: str, resource_type: str) -> bool:
    return Policy(("Owner",), (pattern,)).excludes(resource_type)


@pytest.mark.parametrize(
    ("pattern", "excluded", "counted"),
    [
        ("pod", ["eks:pod", "podium:thing", "x:tripod"], ["eks:cluster"]),
        ("ecs:task", ["ecs:task"], ["ecs:task-definition", "xecs:task", "ecs:cluster"]),
        ("eks:*", ["eks:cluster", "eks:pod"], ["eksx:cluster", "xeks:pod", "ec2:eks"]),
        ("*:cluster", ["eks:cluster", "rds:cluster"], ["rds:cluster-snapshot"]),
        ("ec2:*-gateway", ["ec2:nat-gateway"], ["ec2:gateway", "ec2:nat-gateway-x"]),
        ("e*:*r", ["ecs:cluster", "eks:cluster"], ["rds:cluster", "ecs:task"]),
        ("*snapshot*", ["rds:cluster-snapshot", "ec2:snapshot"], ["ec2:volume"]),
        ("*", ["ec2:instance", "unknown:unknown"], []),
        ("s3:bucket", ["s3:bucket"], ["s3:bucketx"]),
        ("a.c", ["a.c:d"], ["abc:d"]),
        ("(x", ["(x:y"], ["x:y"]),
        ("AutoScaling", ["autoscaling:autoScalingGroup"], ["ec2:instance"]),
        ("ECS:TASK", ["ecs:task", "Ecs:Task"], ["ecs:tasks"]),
    ],
)
def test_a_pattern_matches_exactly_the_types_in_the_table(
    pattern: str, excluded: list[str], counted: list[str]
) -> None:
    assert [t for t in excluded if not _excludes(pattern, t)] == []
    assert [t for t in counted if _excludes(pattern, t)] == []


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="aB:*-.", min_size=1, max_size=8), st.text(alphabet="aAbB:-.", max_size=10))
def test_patterns_match_like_the_simple_implementation(pattern: str, resource_type: str) -> None:
    assert _excludes(pattern, resource_type) == naive.excluded(resource_type, [pattern])


@pytest.mark.timeout(10)
def test_a_pattern_of_many_stars_does_not_hang() -> None:
    assert not _excludes("*a" * 20 + "*b", "x:" + "a" * 300)
