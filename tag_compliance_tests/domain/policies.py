"""Policies for tests: as the mappings of a policy file, and as the policy that is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tag_compliance.config.policy_faults import faults_of_rule, faults_of_waiver
from tag_compliance.config.policy_model import LoadedPolicy, PolicyRule, PolicyWaiver
from tag_compliance.config.policy_rules import policy_of
from tag_compliance.domain.policy import Policy
from tag_compliance_tests.domain.organizations import NOON

TODAY = NOON.date()
ACCOUNTS = ["111122223333", "222233334444"]
UNITS = ["Work", "Work/Shop", "ou-ab12-cdefgh34", "Workshop"]

KEYS = ["Owner", "owner", "OWNER", "own-er", "Env", "Straße", "STRASSE", "Σ", "ς", "aws:owner"]
VALUES = [
    "",
    "prod",
    "PROD",
    "dev",
    "CC-12",
    "é",
    "ß",
    "SS",
    "İ",
    "a\nb",
    "x*y",
    "*",
    "😀😀",
    "xay",
]
GLOBS = ["prod", "p*", "*", "*d", "PR*", "x*y", "s*", "ß", ".", "[a-z]*", "**", "İ*", "a*b", "é"]
PATTERNS = ["[a-z]+", "CC-[0-9]+", "a|prod", ".*", "x[*]y", "(p|d).*"]


def policy(
    rules: Sequence[Any] = (), waivers: Sequence[Any] = (), required: tuple[str, ...] = ()
) -> Policy:
    """The policy of these entries of a policy file, which are valid."""
    loaded = LoadedPolicy(
        rules=tuple(PolicyRule.model_validate(rule) for rule in rules),
        waivers=tuple(PolicyWaiver.model_validate(waiver) for waiver in waivers),
    )
    assert [fault for rule in loaded.rules for fault in faults_of_rule(rule)] == []
    assert [f for w in loaded.waivers for f in faults_of_waiver(w, TODAY, 365)] == []
    return policy_of(required, (), loaded)


def waiver(waiver_id: str = "w", **changed: Any) -> dict[str, Any]:
    """A valid entry of `waivers` that covers every finding until tomorrow."""
    return {
        "id": waiver_id,
        "rules": ["*"],
        "match": {"accounts": ["*"]},
        "reason": "until the migration",
        "owner": "team:shop",
        "expires": TODAY + timedelta(days=1),
        **changed,
    }


def _some(pool: list[str], most: int = 3) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(pool), min_size=1, max_size=most, unique=True)


def _mapping(optional: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


_tags = st.dictionaries(st.sampled_from(KEYS), _some(GLOBS, 2), min_size=1, max_size=2)
_selection_keys = {
    "accounts": _some([*ACCOUNTS, "1*", "*4", "999999999999"], 2),
    "ous": _some([*UNITS, "W*", "Other", "work"], 2),
    "regions": _some(["eu-west-1", "eu-*", "*-1", "us-east-1", "EU-*"], 2),
    "types": _some(["ec2:vpc", "EC2:*", "s3:bucket", "bucket", "*:b*", "vpc"], 2),
}
_selection = _mapping({**_selection_keys, "tags": _tags}).filter(bool)
_scope = _mapping(
    {
        "only": _selection,
        "except": _selection | st.lists(_selection, min_size=1, max_size=2),
        "when": st.fixed_dictionaries({"tags": _tags}),
    }
)
_match = _mapping(
    {**_selection_keys, "arns": _some(["*", "arn:aws:ec2:*", "*:vpc/a", "*b*", "arn:*:s3:::b"], 2)}
).filter(bool)
_known_checks: dict[str, st.SearchStrategy[Any]] = {
    "not_empty": st.just(True),
    "values": _some([*GLOBS, ""]),
    "not_values": _some([*GLOBS, ""]),
    "pattern": st.sampled_from(PATTERNS),
    "length": _mapping({"min": st.integers(0, 2), "max": st.integers(2, 4)}).filter(bool),
    "ignore_case": st.booleans(),
}
_value_checks = _mapping({k: v for k, v in _known_checks.items() if k in PolicyRule.model_fields})
_key_case: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {"key_case": st.sampled_from(["any", "exact"])},
        optional={"spellings": _some(["OWN-ER", "straSSe", "cost"], 2)},
    ),
)


@st.composite
def rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to four valid rules of all kinds, with all kinds of scopes."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        rule: dict[str, Any] = {"id": f"r{number}", **draw(_scope)}
        kind = draw(st.sampled_from(["tag", "tag", "any_tag", "forbidden"]))
        if kind == "forbidden":
            keys = _some([*KEYS, "*wn*", "O*", "aws:*", "*"])
            rule |= {"tag": draw(st.sampled_from(KEYS) | keys), "forbidden": True}
            rule |= draw(st.sampled_from([{}, {"key_case": "any"}]))
        elif kind == "any_tag":
            keys = st.lists(st.sampled_from(KEYS), min_size=2, max_size=3, unique=True)
            rule |= {"any_tag": draw(keys), **draw(_value_checks), **draw(_key_case)}
        else:
            rule |= {"tag": draw(st.sampled_from(KEYS)), **draw(_value_checks), **draw(_key_case)}
            checks = {"not_empty", "values", "not_values", "pattern", "length"} & rule.keys()
            needs = not checks and rule.get("key_case") != "exact"
            if needs or draw(st.booleans()):
                rule["required"] = True
        found.append(rule)
    return found


@st.composite
def waivers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Waivers for the rules of `rules`, around today."""
    day = st.sampled_from([-400, -1, 0, 1, 200]).map(lambda days: TODAY + timedelta(days=days))
    globs = _some(["r0", "r1", "r*", "*", "required-tag-*", "other"], 2)
    drawn = draw(st.lists(st.tuples(globs, _match, day), max_size=4))
    return [
        waiver(f"w{number}", rules=globs, match=match, expires=expires)
        for number, (globs, match, expires) in enumerate(drawn)
    ]


resources = st.lists(
    st.fixed_dictionaries(
        {
            "region": st.sampled_from(["eu-west-1", "us-east-1"]),
            "type": st.sampled_from(["ec2:vpc", "s3:bucket", "rds:db"]),
            "name": st.sampled_from(["a", "b", "c/d", "é\n"]),
            "tags": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=4),
        }
    ),
    max_size=8,
)
days = st.sampled_from([TODAY, TODAY + timedelta(days=1), date(2028, 2, 29)])
