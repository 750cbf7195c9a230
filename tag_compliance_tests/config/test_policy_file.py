"""Which files the key `policy` loads, and how each kind of bad file is reported."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
import yaml

from tag_compliance.config import Config, load_config
from tag_compliance.errors import BadConfiguration, BadPolicy
from tag_compliance_tests.support.config import PARTITIONS

_RULE = "rules: [{id: %s, tag: Owner, required: true}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def _load(folder: Path, policy: object, **keys: object) -> Config:
    content = {"aws_account_matrix": [{"account_id": "111122223333"}], "policy": policy, **keys}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_config(path, {}, PARTITIONS, date(2026, 5, 4))


def _faults(folder: Path, policy: object, **keys: object) -> list[str]:
    with pytest.raises(BadConfiguration) as caught:
        _load(folder, policy, **keys)
    assert isinstance(caught.value, BadPolicy)
    return [str(fault).replace(f"{folder}/", "") for fault in caught.value.faults]


def test_files_are_loaded_in_the_order_of_the_list_and_of_their_names_and_each_once(
    folder: Path,
) -> None:
    (folder / "rules").mkdir()
    for name in ("b", "a", ".hidden"):
        (folder / "rules" / f"{name}.yaml").write_text(_RULE % f"in-{name.strip('.')}")
    (folder / "main.yaml").write_text(_RULE % "in-main")
    loaded = _load(folder, ["main.yaml", "rules/*.yaml", str(folder / "main.yaml")]).policy
    assert [rule.id for rule in loaded.rules] == ["in-main", "in-a", "in-b"]
    assert [Path(file.name).name for file in loaded.files] == ["main.yaml", "a.yaml", "b.yaml"]


def test_links_are_followed_as_kubernetes_makes_them(folder: Path) -> None:
    (folder / "..data").mkdir()
    (folder / "..data" / "policy.yaml").write_text(_RULE % "linked")
    (folder / "policy.yaml").symlink_to("..data/policy.yaml")
    assert [rule.id for rule in _load(folder, "*olicy.yaml").policy.rules] == ["linked"]


def test_the_defaults_of_a_file_are_those_of_its_rules_alone(folder: Path) -> None:
    (folder / "a.yaml").write_text("defaults: {severity: low, owner: me}\n" + _RULE % "a")
    (folder / "b.yaml").write_text(_RULE % "b")
    rules = _load(folder, ["a.yaml", "b.yaml"]).policy.rules
    assert [(rule.severity, rule.owner) for rule in rules] == [("low", "me"), ("medium", "")]


def test_a_policy_survives_the_table_of_the_configuration(folder: Path) -> None:
    (folder / "policy.yaml").write_text(
        (Path(__file__).parents[2] / "policy.yaml").read_text("utf-8")
        + "waivers: [{id: w, rules: [a], match: {arns: [b]}, reason: long enough, owner: me, "
        "expires: 2026-05-04}]\n"
    )
    config = _load(folder, "policy.yaml")
    assert len(config.policy.rules) == 12
    assert Config.model_validate_json(config.model_dump_json(by_alias=True)) == config


@pytest.mark.parametrize("policy", [None, []])
def test_an_empty_policy_is_none_and_required_tags_are_needed_then(
    folder: Path, policy: object
) -> None:
    assert _load(folder, policy, REQUIRED_TAGS=["Owner"]).policy.files == ()
    with pytest.raises(BadConfiguration, match="REQUIRED_TAGS: this key is required, or policy"):
        _load(folder, policy)


def test_a_file_that_is_no_policy_is_one_fault_and_the_others_are_validated(folder: Path) -> None:
    (folder / "folder.yaml").mkdir()
    os.mkfifo(folder / "pipe.yaml")
    (folder / "latin.yaml").write_bytes(b"rules: [\xe9]\n")
    (folder / "list.yaml").write_text("[1]\n")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "large.yaml").write_text("#" * (10 * 1024**2))
    (folder / "deep.yaml").write_text("rules: " + "[" * 100 + "]" * 100)
    (folder / "wrong.yaml").write_text("rules: [{id: b, tag: b, values: [2026-13-01]}]\n")
    (folder / "z.yaml").write_text("rules:\n  - {id: a}\n")
    assert _faults(folder, ["*.yaml", "none.yaml"], REQUIRED_TAGS=["Owner"]) != []
    names = ["folder", "pipe", "latin", "list", "large", "deep", "wrong", "loop", "z"]
    folder_rule = "must be a file; for all files of a folder, write FOLDER/*.yaml"
    missing = "no such file; a path is relative to the folder of this file"
    *others, loop, z, z_too = _faults(folder, [*(f"{n}.yaml" for n in names), "no*.yaml"])
    assert others == [
        f"config.yaml: policy[9] = 'no*.yaml': {missing}",
        f"folder.yaml: {folder_rule}",
        f"pipe.yaml: {folder_rule}",
        "latin.yaml: cannot be read: byte 8 is not UTF-8",
        "list.yaml: must be a mapping of keys to values, with rules and waivers",
        "large.yaml: cannot be read: it is larger than 4 MiB",
        "deep.yaml: cannot be read: it is nested more than 40 levels deep",
        f"wrong.yaml, line 1: rule b: values[0] = '2026-13-01': {_DATE}",
    ]
    assert loop.startswith("loop.yaml: cannot be read: ")
    assert z == "z.yaml, line 2: rule a: a rule needs tag or any_tag"
    assert z_too.startswith("z.yaml, line 2: rule a: a rule needs a check")


def test_of_a_thousand_faults_a_hundred_are_shown_and_all_are_counted(folder: Path) -> None:
    rules = "".join(f"  - {{id: r{n}, tag: A, required: 7}}\n" for n in range(1_000))
    (folder / "policy.yaml").write_text(f"rules:\n{rules}")
    with pytest.raises(BadPolicy) as caught:
        _load(folder, "policy.yaml")
    assert len(caught.value.faults) == 1_000
    lines = str(caught.value).splitlines()
    assert len(lines) == 101
    assert lines[-1] == "900 more faults; 1,000 in all"


@pytest.mark.parametrize("value", ["team-{}", "{}"])
@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("values", "tag: A, values: [%s]"),
        ("tag", "forbidden: true, tag: [%s]"),
        ("any_tag", "not_empty: true, any_tag: [%s]"),
        ("only.accounts", "tag: A, required: true, only: {accounts: [%s]}"),
    ],
)
def test_a_list_of_a_hundred_thousand_entries_is_one_fault(
    folder: Path, key: str, rule: str, value: str
) -> None:
    entries = ", ".join(value.format(n) for n in range(100_000))
    (folder / "policy.yaml").write_text(f"rules: [{{id: a, {rule % entries}}}]")
    [fault] = _faults(folder, "policy.yaml")
    assert fault.startswith(f"policy.yaml, line 1: rule a: {key} = [")
    assert fault.endswith(": must have at most 10,000 entries, but has 100,000")


def test_ten_thousand_values_are_accepted(folder: Path) -> None:
    values = ", ".join(f"team-{n}" for n in range(10_000))
    (folder / "policy.yaml").write_text(f"rules: [{{id: a, tag: A, values: [{values}]}}]")
    [rule] = _load(folder, "policy.yaml").policy.rules
    assert rule.values is not None
    assert len(rule.values) == 10_000


def test_a_huge_glob_and_too_many_files_are_one_fault(folder: Path) -> None:
    [fault] = _faults(folder, "*" * 1_000_000)
    assert fault.endswith("must be a path or a glob, or a list of them")
    for number in range(1_001):
        (folder / f"{number}.yaml").touch()
    [fault] = _faults(folder, "[0-9]*.yaml")
    assert fault.endswith("matches 1,001 files; at most 1,000 are allowed")


def test_ids_are_unique_across_files_and_repeated_keys_are_faults(folder: Path) -> None:
    (folder / "a.yaml").write_text(_RULE % "same")
    (folder / "b.yaml").write_text(_RULE % "same" + "rules: []\n")
    assert "b.yaml: rules: repeated key, at lines 1 and 2" in _faults(folder, ["a.yaml", "b.yaml"])
    (folder / "b.yaml").write_text(_RULE % "same")
    [fault] = _faults(folder, ["a.yaml", "b.yaml"])
    assert fault == "b.yaml, line 1: rule same: id = 'same': duplicate id, first in a.yaml, line 1"


@pytest.mark.parametrize(
    ("expires", "rule"),
    [
        ("2027-05-04", None),
        ("2027-05-05", "must be at most max_waiver_days (365) ahead: 2027-05-04 or earlier"),
        ('"2026-05-04"', None),
        ("2020-01-01", None),
        ("20260504", "must be a date, such as 2026-11-30"),
        ("2026-05-04T12:00:00Z", "must be a date, such as 2026-11-30"),
        ('"2027-02-29"', "must be a date, such as 2026-11-30"),
        ("never", "must be a date, such as 2026-11-30"),
    ],
)
def test_the_last_day_of_a_waiver_is_a_date_that_is_not_too_far_ahead(
    folder: Path, expires: str, rule: str | None
) -> None:
    (folder / "policy.yaml").write_text(
        "waivers: [{id: w, rules: [a], match: {arns: [b]}, reason: long enough, owner: me, "
        f"expires: {expires}}}]\n"
    )
    if rule is None:
        assert len(_load(folder, "policy.yaml").policy.waivers) == 1
    else:
        [fault] = _faults(folder, "policy.yaml")
        assert rule in fault


_DATE = "must be text; YAML reads it as a date, so use quotes"
_NEEDS_A_CHECK = "a rule needs a check, such as required, values or pattern"
_ALONE = "required = 'true': must not be combined with forbidden: a key is required or forbidden"
_UNREADABLE = "is not a valid regular expression (RE2): missing ): ("
_UNKNOWN = "unknown key; did you mean"


@pytest.mark.parametrize(
    ("rule", "faults"),
    [
        ("tag: a, values: [2026-02-30], pattern: (, required: true, forbidden: true",
         [f"values[0] = '2026-02-30': {_DATE}", f"pattern = '(': {_UNREADABLE}", _ALONE]),
        ("tag: a, severity: huge", ["severity = 'huge': must be one of", _NEEDS_A_CHECK]),
        ("tag: a, titel: b", [f"titel: {_UNKNOWN} title?", _NEEDS_A_CHECK]),
        ("tag: a, requird: true", [f"requird: {_UNKNOWN} required?"]),
        ("tag: a, regex: b", ["regex: unknown key; known keys are"]),
        ("tga: a, required: true", [f"tga: {_UNKNOWN} tag?"]),
        ("tag: [a, b], forbiden: true", [f"forbiden: {_UNKNOWN} forbidden?"]),
        ("tag: a, spellings: [b], key_cas: any, required: true",
         [f"key_cas: {_UNKNOWN} key_case?"]),
        ("tag: a, values: [B], example: b, ignorecase: true",
         [f"ignorecase: {_UNKNOWN} ignore_case?"]),
        ("tag: a, length: {min: 2}, example: b, owner: 1",
         ["owner = '1': must be text", "example = 'b': its own rule rejects it: too_short"]),
        ("values: [b], example: c", ["a rule needs tag or any_tag"]),
    ],
)  # fmt: skip
def test_faults_of_the_form_hide_no_other_fault_and_cause_none(
    folder: Path, rule: str, faults: list[str]
) -> None:
    (folder / "policy.yaml").write_text(f"rules: [{{id: r, {rule}}}]\n")
    shown = _faults(folder, "policy.yaml")
    assert len(shown) == len(faults)
    for line, fault in zip(shown, faults, strict=True):
        assert line.startswith(f"policy.yaml, line 1: rule r: {fault}")


def test_a_waiver_with_an_impossible_date_has_its_other_faults_too(folder: Path) -> None:
    (folder / "policy.yaml").write_text(
        "waivers:\n"
        "- {id: w, rules: [a], match: {}, reason: short, owner: me, expires: 2027-02-30}\n"
        "- {id: v, rules: [a], match: {arns: [b]}, expires: 2027-01-01, created: 2027-01-02}\n"
    )
    shown = [line.partition(": waiver ")[2] for line in _faults(folder, "policy.yaml")]
    assert shown == [
        "w: reason = 'short': must be text of at least 10 characters",
        "w: expires = '2027-02-30': must be a date, such as 2026-11-30",
        "w: match: must have accounts, ous, regions, types, arns; a waiver cannot cover everything",
        "v: reason: this key is required",
        "v: owner: this key is required",
        "v: created = '2027-01-02': must not be after expires, 2027-01-01",
    ]


def test_a_waiver_with_a_blank_reason_or_owner_is_a_fault(folder: Path) -> None:
    (folder / "policy.yaml").write_text(
        'waivers: [{id: w, rules: [a], match: {arns: [b]}, reason: "            ", owner: " ", '
        "expires: 2026-05-04}]\n"
    )
    assert [
        line.partition(" w: ")[2].partition(" ")[0] for line in _faults(folder, "policy.yaml")
    ] == [
        "reason",
        "owner",
    ]
