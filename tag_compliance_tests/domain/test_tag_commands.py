"""The `aws` commands that would fix findings."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.config.policy_model import PolicyRule
from tag_compliance.config.policy_rules import rule_of
from tag_compliance.domain.report_row import ReportRow
from tag_compliance.domain.resources import RESOURCE_SCHEMA, TaggedResources
from tag_compliance.domain.rule_keys import RuleKeys
from tag_compliance.domain.rules.tag_rule import TagRule
from tag_compliance.domain.tag_commands import Fix, fix_of
from tag_compliance_tests.reports.rows import report_row


def rule_from(**settings_: object) -> TagRule:
    return rule_of(PolicyRule.model_validate({"id": "r", **settings_}))


def findings_of(rule: TagRule, tags: Mapping[str, str]) -> list[ReportRow]:
    row = {"region": "", "arn": "", "resource_type": "", "tags": [*tags.items()], "source": ""}
    resources = TaggedResources(pa.Table.from_pylist([row], schema=RESOURCE_SCHEMA))
    found = rule.violations(resources, rule.applies_to(resources))
    return [
        report_row(
            rule="r",
            codes=tuple(map(str, found.codes[number])),
            tag=rule.tag if found.tags is None else found.tags[0].as_py(),
            tags=tags,
        )
        for number in found.which.tolist()
    ]


def applied(commands: tuple[str, ...], tags: Mapping[str, str], value: str) -> dict[str, str]:
    """The tags after the commands, with `VALUE` replaced."""
    after = dict(tags)
    for line in commands:
        words = shlex.split(line)
        if "tag-resources" in words:
            new = json.loads(words[words.index("--tags") + 1])
            after |= {key: value if text == "VALUE" else text for key, text in new.items()}
        else:
            for key in words[words.index("--tag-keys") + 1 : words.index("--region")]:
                del after[key]
    return after


def fix_by(rule: TagRule, tags: Mapping[str, str], *, knows_values: bool = True) -> Fix:
    check = (lambda _, value: bool(rule.rejects(value))) if knows_values else None
    return fix_of(findings_of(rule, tags), {"r": rule.rule_keys}, check)


KEYS = ("Env", "env", "ENV", "stage", "Team", "team")
tag_maps = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["prod", "test", "", "VAL"]))
rules = st.fixed_dictionaries(
    {},
    optional={
        "required": st.just(True),
        "values": st.just(["prod"]),
        "not_empty": st.just(True),
        "key_case": st.sampled_from(["any", "exact"]),
    },
).flatmap(
    lambda checks: st.sampled_from(
        [
            {"tag": "Env", **({} if checks else {"required": True}), **checks},
            {"any_tag": ["Env", "Team"], **checks, "required": True},
            {"tag": "Env", "key_case": "exact", "spellings": ["stage"], **checks},
            {"tag": "Env", "key_case": "any", "spellings": ["stage"], "required": True, **checks},
            {"tag": ["env*", "Team"], "forbidden": True},
        ]
    )
)


@settings(deadline=None, max_examples=300)
@given(rules, tag_maps, st.booleans())
def test_the_commands_fix_the_finding_and_keep_right_values_or_words_say_what_is_open(
    settings_: dict[str, object], tags: dict[str, str], knows_values: bool
) -> None:
    rule = rule_from(**settings_)
    fix = fix_by(rule, tags, knows_values=knows_values)
    after = applied(fix.commands, tags, "prod")
    if fix.notes:
        assert fix.commands == ()
        return
    assert findings_of(rule, after) == []
    changed = {key for key in tags if key in after and after[key] != tags[key]}
    assert all(rule.rejects(tags[key]) for key in changed)


def test_a_wrong_spelling_is_removed_and_the_right_value_stays() -> None:
    rule = rule_from(tag="CostCenter", key_case="exact", spellings=["cost-center"])
    both = {"CostCenter": "CC-1", "cost-center": "CC-1"}
    [line] = fix_by(rule, both).commands
    assert "untag-resources" in line
    assert applied((line,), both, "x") == {"CostCenter": "CC-1"}
    alone = {"cost-center": "CC-1"}
    assert applied(fix_by(rule, alone).commands, alone, "x") == {"CostCenter": "CC-1"}


def test_of_several_spellings_only_the_wrong_value_is_set() -> None:
    rule = rule_from(tag="Env", key_case="any", values=["prod"])
    tags = {"Env": "prod", "env": "test"}
    [line] = fix_by(rule, tags).commands
    assert '{"env": "VALUE"}' in line
    fix = fix_by(rule, tags, knows_values=False)
    assert fix.commands == ()
    assert fix.notes == (
        "r (value_not_allowed): Env, env count as the same key: correct the wrong value",
    )


def test_rules_that_contradict_each_other_have_words_and_no_command() -> None:
    rows = [
        report_row(rule="a", tag="Owner", codes=("missing",), tags={"owner": "me"}),
        report_row(rule="b", tag="owner", codes=("empty",), tags={"owner": "me"}),
        report_row(rule="c", tag="owner", codes=("forbidden_key",), tags={"owner": "me"}),
    ]
    keys = {"a": RuleKeys(("Owner",)), "b": RuleKeys(("owner",)), "c": RuleKeys(("owner",))}
    fix = fix_of(rows, keys)
    assert "b and c contradict each other about owner: no command is possible" in fix.notes
    assert len(fix.commands) == 1


def test_commands_quote_whatever_a_stranger_wrote_for_the_shell() -> None:
    arn = "arn:aws:ec2:eu-west-1:1:vpc/$(touch pwned)'`;"
    key = "Größe' $x"
    row = report_row(arn=arn, tag=key, codes=("missing",))
    [line] = fix_of([row], {row.rule: RuleKeys((key,))}).commands
    printed = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert printed[4] == arn
    assert json.loads(printed[6]) == {key: "VALUE"}


def test_roles_and_users_are_tagged_with_iam() -> None:
    arn = "arn:aws:iam::111122223333:role/path/admin"
    row = report_row(arn=arn, resource_type="iam:role", tag="Owner")
    assert fix_of([row], {row.rule: RuleKeys(("Owner",))}).commands == (
        """aws iam tag-role --role-name admin --tags '[{"Key": "Owner", "Value": "VALUE"}]'""",
    )
    forbidden = row._replace(
        resource_type="iam:user", codes=("forbidden_key",), tags={"Owner": "x"}
    )
    assert fix_of([forbidden], {}).commands == (
        "aws iam untag-user --user-name admin --tag-keys Owner",
    )
    assert fix_of([], {}) == Fix()
