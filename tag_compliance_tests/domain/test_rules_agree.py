"""The evaluation of a policy agrees with a simple implementation of the specification."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.evaluation import Evaluation, basis_of, evaluate
from tag_compliance.domain.resources import AccountInventory
from tag_compliance_tests.domain import naive_policy, policies
from tag_compliance_tests.domain.organizations import inventory, table_of

_REGIONS = ("eu-west-1", "us-east-1")


def _known(account: str, units: list[str], drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The resources as the simple implementation takes them, each with an ARN of its own."""
    return [
        {
            **resource,
            "account": account,
            "units": units,
            "arn": f"arn:aws:{resource['type'].split(':')[0]}:::{n}:vpc/{resource['name']}",
        }
        for n, resource in enumerate(drawn)
    ]


def _evaluated(
    resources: list[dict[str, Any]],
    account: str,
    units: list[str],
    policy: Any,
    day: date,
) -> Evaluation:
    rows = [
        (r["region"], {"arn": r["arn"], "resource_type": r["type"], "tags": r["tags"]})
        for r in resources
    ]
    status = inventory(regions=_REGIONS, account_id=account).status
    basis = basis_of(status, policy, datetime.combine(day, time(), UTC), units=tuple(units))
    return evaluate(AccountInventory(status, table_of(rows)), policy, basis)


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from(policies.ACCOUNTS),
    st.lists(st.sampled_from(policies.UNITS), max_size=2, unique=True),
    policies.resources,
    policies.rules(),
    policies.waivers(),
    policies.days,
)
def test_findings_and_counts_are_those_of_the_specification(
    account: str,
    units: list[str],
    drawn: list[dict[str, Any]],
    rules: list[dict[str, Any]],
    waivers: list[dict[str, Any]],
    day: date,
) -> None:
    resources = _known(account, units, drawn)
    policy = policies.policy(rules, waivers, required=("Env",))
    evaluation = _evaluated(resources, account, units, policy, day)
    rules = [{"id": "required-tag-Env", "tag": "Env", "required": True}, *rules]

    expected, uses = {}, Counter[str]()
    counts: Counter[tuple[str, str]] = Counter()
    for resource in resources:
        for rule in rules:
            counts[rule["id"], "exempted"] += naive_policy.exempted_by_tag(rule, resource)
            if not naive_policy.applies(rule, resource):
                continue
            counts[rule["id"], "evaluated"] += 1
            found = naive_policy.codes(rule, resource)
            if found:
                named, used = naive_policy.waiver_of(waivers, rule["id"], resource, day)
                expected[resource["arn"], rule["id"]] = (found, named, _tag_of(rule, resource))
                uses.update(used)
                counts[rule["id"], "violations"] += 1
                counts[rule["id"], "waived"] += named is not None

    findings = evaluation.findings.to_pylist()
    assert {
        (f["arn"], f["rule"]): (f["codes"], f["waiver"], f["tag"]) for f in findings
    } == expected
    assert len(findings) == len(expected)
    assert all((f["state"] == "waived") == (f["waiver"] is not None) for f in findings)
    summary = evaluation.summary
    found_counts: Counter[tuple[str, str]] = Counter()
    for row in summary.rules.to_pylist():
        for name in ("evaluated", "violations", "waived", "exempted"):
            found_counts[row["rule"], name] += row[name]
    assert +found_counts == +counts
    assert {w: use.matched for w, use in summary.waiver_uses.items() if use.matched} == +uses
    named_by = Counter(f["waiver"] for f in findings if f["waiver"])
    assert {w: use.named for w, use in summary.waiver_uses.items() if use.named} == named_by
    violating = {arn for arn, _ in expected}
    violating_openly = {arn for (arn, _), (_, named, _) in expected.items() if named is None}
    types = summary.types.to_pydict()
    assert sum(types["without_findings"]) == len(resources) - len(violating)
    assert sum(types["without_open_findings"]) == len(resources) - len(violating_openly)
    assert sum(types["compliant"]) == sum("Env" in r["tags"] for r in resources)


def _tag_of(rule: dict[str, Any], resource: dict[str, Any]) -> str:
    if rule.get("forbidden"):
        return "|".join(naive_policy.forbidden_keys(rule, resource["tags"]))
    return "|".join(rule["any_tag"]) if "any_tag" in rule else rule["tag"]
