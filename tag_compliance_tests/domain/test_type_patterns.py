"""Which resources an exclusion pattern matches."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.arn import type_of
from tag_compliance.domain.type_patterns import TypePattern, matched_rows
from tag_compliance_tests.domain import naive
from tag_compliance_tests.domain.organizations import table_of

_LB = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:"
_MESH = "arn:aws:appmesh:eu-west-1:111122223333:mesh/shop"
_REST = "arn:aws:apigateway:eu-west-1::/restapis/a1b2"
_ARNS = {
    "alb": f"{_LB}loadbalancer/app/web/50dc",
    "nlb": f"{_LB}loadbalancer/net/tcp/50dc",
    "classic": f"{_LB}loadbalancer/app",
    "listener": f"{_LB}listener/app/web/50dc/f2f7",
    "mesh": _MESH,
    "node": f"{_MESH}/virtualNode/web",
    "router": f"{_MESH}/virtualRouter/web",
    "route": f"{_MESH}/virtualRouter/web/route/all",
    "service": f"{_MESH}/virtualService/virtualNode",
    "api": _REST,
    "stage": f"{_REST}/stages/prod",
    "method": f"{_REST}/resources/r1/methods/GET",
    "application": "arn:aws:appconfig:eu-west-1:111122223333:application/abc",
    "environment": "arn:aws:appconfig:eu-west-1:111122223333:application/abc/environment/def",
    "fhir": "arn:aws-cn:healthlake:cn-north-1:111122223333:datastore/fhir/0a1b",
    "sms": "arn:aws:mobiletargeting:eu-west-1:111122223333:templates/welcome/SMS",
    "instance": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc",
}


def _table(arns: list[str], types: list[str] | None = None) -> pa.Table:
    found = types or [type_of(arn) for arn in arns]
    pairs = zip(arns, found, strict=True)
    rows = [{"arn": arn, "resource_type": type_, "tags": {}} for arn, type_ in pairs]
    return table_of(("eu-west-1", row) for row in rows)


def _matched(pattern: str) -> set[str]:
    rows = TypePattern(pattern).rows(_table(list(_ARNS.values())))
    return {name for name, matches in zip(_ARNS, rows, strict=True) if matches}


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
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
    pattern: str, matched: list[str], others: list[str]
) -> None:
    types = matched + others
    rows = TypePattern(pattern).rows(_table([f"arn:{n}" for n in range(len(types))], types))
    assert rows.tolist() == [True] * len(matched) + [False] * len(others)


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("elasticloadbalancing:loadbalancer", {"alb", "nlb", "classic"}),
        ("elasticloadbalancing:loadbalancer/app", {"alb"}),
        ("ElasticLoadBalancing:LoadBalancer/APP", {"alb"}),
        ("elasticloadbalancing:*/app", {"alb", "listener"}),
        ("loadbalancer/net", {"nlb"}),
        ("appmesh:mesh", {"mesh", "node", "router", "route", "service"}),
        ("appmesh:mesh/virtualNode", {"node"}),
        ("appmesh:mesh/virtualRouter", {"router"}),
        ("appmesh:mesh/virtualRouter/route", {"route"}),
        ("appmesh:mesh/*", {"node", "router", "route", "service"}),
        ("apigateway:restapis/stages", {"stage"}),
        ("apigateway:restapis/resources/methods", {"method"}),
        ("appconfig:application/environment", {"environment"}),
        ("application/environment", {"environment"}),
        ("*:application/environment", {"environment"}),
        ("healthlake:datastore/fhir", {"fhir"}),
        ("mobiletargeting:templates/SMS", {"sms"}),
        ("ec2:instance/i-0", set()),
    ],
)
def test_a_pattern_with_a_slash_matches_a_nested_type(pattern: str, matched: set[str]) -> None:
    assert _matched(pattern) == matched


def test_a_resource_is_matched_when_one_pattern_of_many_matches() -> None:
    patterns = [TypePattern("appmesh:mesh/virtualNode"), TypePattern("ec2:*")]
    rows, _ = matched_rows(patterns, _table([_ARNS["node"], _ARNS["mesh"], _ARNS["instance"]]))
    assert rows.tolist() == [True, False, True]


def test_the_matches_of_each_pattern_are_counted() -> None:
    patterns = [TypePattern(text) for text in ("ec2:*", "instance", "rds:*")]
    _, matches = matched_rows(patterns, _table([_ARNS["mesh"], _ARNS["instance"]]))
    assert matches == {"ec2:*": 1, "instance": 1, "rds:*": 0}


def test_without_patterns_nothing_is_matched() -> None:
    rows, matches = matched_rows((), _table([_ARNS["mesh"]]))
    assert (rows.tolist(), matches) == ([False], {})


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="aB:*-.", min_size=1, max_size=8), st.text(alphabet="aAbB:-.", max_size=10))
def test_patterns_match_like_the_simple_implementation(pattern: str, resource_type: str) -> None:
    rows = TypePattern(pattern).rows(_table(["arn:x"], [resource_type]))
    assert rows[0] == naive.excluded(resource_type, [pattern])


@settings(deadline=None, max_examples=300)
@given(st.text(min_size=1, max_size=12), st.sampled_from(sorted(_ARNS.values())))
def test_any_text_with_a_slash_is_a_valid_pattern(text: str, arn: str) -> None:
    assert TypePattern(f"{text}/x").rows(_table([arn])).tolist() == [False]


@pytest.mark.timeout(10)
def test_a_pattern_of_many_stars_does_not_hang() -> None:
    table = _table([f"arn:aws:x:::{'a/' * 200}"], ["x:" + "a" * 300])
    assert not TypePattern("*a" * 20 + "*b").rows(table).any()
    assert not TypePattern("*a/" * 20 + "*b").rows(table).any()
