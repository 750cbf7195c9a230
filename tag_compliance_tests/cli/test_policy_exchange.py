"""`policy import` and `policy export`: files, an account, outputs and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tag_compliance_tests.config.tag_policies import (
    BASIC,
    EFFECTIVE,
    KEY_CASE,
    REQUIRED,
    VALUES_OF_CHILD,
)
from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.support.aws import enter
from tag_compliance_tests.support.program import Program, error_lines

SHOP, LAB = "111122223333", "222233334444"
_REQUIRED_TAGS = {"ec2:instance": ["Environment"], "ec2:volume": ["Environment"]}
_EFFECTIVE_REQUIRED = {
    "tags": {
        "Environment": {
            "tag_key": "Environment",
            "report_required_tag_for": ["ec2:ALL_SUPPORTED"],
        }
    }
}


def _write(path: Path, content: Any) -> str:
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.fixture
def organization(program: Program) -> Iterator[Program]:
    """Two accounts, of which a tag policy applies to one."""
    organization = Organization()
    shop = organization.add_account(SHOP)
    shop.tag_policy, shop.required_tags = _EFFECTIVE_REQUIRED, dict(_REQUIRED_TAGS)
    shop.put("eu-west-1", "arn:aws:s3:::a", {})
    organization.add_account(LAB).put("eu-west-1", "arn:aws:s3:::b", {})
    program.configure(organization)
    with FakeAws(organization) as fake:
        program.aws = fake
        enter(fake)
        yield program


def test_documents_become_a_policy_file_that_policy_check_accepts(
    program: Program, tmp_path: Path
) -> None:
    root = _write(tmp_path / "root.json", KEY_CASE)
    child = _write(tmp_path / "account.json", VALUES_OF_CHILD)
    output = tmp_path / "rules.yaml"
    ended = program.run("policy", "import", root, child, "--output", str(output))
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.splitlines() == [f"2 rules: {output}"]
    assert program.run("policy", "check", str(output)).out.startswith("2 rules (0 disabled)")
    merged = program.run("policy", "import", root, child).out
    alone = program.run("policy", "import", _write(tmp_path / "effective.json", EFFECTIVE)).out
    assert yaml.safe_load(merged) == yaml.safe_load(alone)
    assert output.read_text("utf-8") == merged
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_what_cannot_be_imported_is_on_stderr_and_in_comments(
    program: Program, tmp_path: Path
) -> None:
    ended = program.run("policy", "import", _write(tmp_path / "required.json", REQUIRED))
    [note] = [line for line in ended.err.splitlines() if line.startswith("differs: ")]
    assert note.startswith("differs: Environment: report_required_tag_for ec2:ALL_SUPPORTED")
    assert f"# - {note.removeprefix('differs: ')}\n" in ended.out


def test_faults_of_documents_lead_to_exit_code_2_and_no_output(
    program: Program, tmp_path: Path
) -> None:
    wrong = _write(tmp_path / "wrong.json", {"tags": {"a": {"tag_value": ["*@*"]}}})
    missing = str(tmp_path / "missing.json")
    output = tmp_path / "rules.yaml"
    ended = program.run("policy", "import", wrong, missing, "--output", str(output))
    assert (ended.code, ended.out) == (2, "")
    assert error_lines(ended.err) == [
        f"tag-compliance: {wrong}: tags.a.tag_value[0] = '*@*': AWS allows one * in a value",
        f"tag-compliance: {missing}: cannot be read: No such file or directory",
    ]
    assert not output.exists()


def test_either_files_or_an_account_are_needed(program: Program, tmp_path: Path) -> None:
    path = _write(tmp_path / "basic.json", BASIC)
    for arguments in ([], [path, "--account", SHOP]):
        ended = program.run("policy", "import", *arguments)
        assert (ended.code, ended.out) == (2, "")
        assert "Name either FILE or --account." in ended.err


def test_the_effective_policy_of_an_account_is_read_with_its_required_types(
    organization: Program,
) -> None:
    ended = organization.run("policy", "import", "--account", SHOP)
    assert ended.code == 0
    assert ended.err.splitlines() == ["2 rules: stdout"]
    assert ended.out.startswith(
        f"# Rules of an AWS tag policy, imported from account {SHOP}.\n# They apply"
    )
    key, presence = yaml.safe_load(ended.out)["rules"]
    assert (key["tag"], key["key_case"]) == ("Environment", "exact")
    assert presence["only"] == {"types": ["ec2:instance", "ec2:volume"]}
    calls = {call.operation for call in organization.fake.calls}
    assert calls == {"AssumeRole", "DescribeEffectivePolicy", "ListRequiredTags"}


def test_required_tags_are_read_page_by_page(organization: Program) -> None:
    types = [f"ec2:type-{number:03}" for number in range(450)]
    shop = organization.fake.organization[SHOP]
    shop.required_tags = {name: ["Environment"] for name in types}
    imported = organization.run("policy", "import", "--account", SHOP).out
    assert yaml.safe_load(imported)["rules"][1]["only"]["types"] == types


def test_an_account_without_a_tag_policy_is_one_error(organization: Program) -> None:
    line = organization.fails(1, "policy", "import", "--account", LAB)
    assert line == f"tag-compliance: account {LAB}: no tag policy applies to it"


@pytest.mark.parametrize("operation", ["DescribeEffectivePolicy", "ListRequiredTags"])
def test_a_missing_permission_is_one_error_that_says_what_to_do(
    organization: Program, operation: str
) -> None:
    organization.fake.faults.add(Fault.ACCESS_DENIED, operation=operation)
    line = organization.fails(1, "policy", "import", "--account", SHOP)
    assert line.startswith(f"tag-compliance: account {SHOP}: {operation}: AccessDenied")
    assert "`tag-compliance iam-policy --policy tag-policy` prints" in line


def test_an_unknown_account_is_wrong_usage(organization: Program) -> None:
    line = organization.fails(2, "policy", "import", "--account", "nobody")
    assert "--account = 'nobody': no such account" in line


def test_policy_files_become_a_tag_policy(program: Program, tmp_path: Path) -> None:
    rules = [{"id": "env", "tag": "Env", "key_case": "exact", "values": ["prod", "größe"]}]
    path = _write(tmp_path / "policy.yaml", {"rules": rules})
    output = tmp_path / "tag-policy.json"
    ended = program.run("policy", "export", path, "--output", str(output))
    assert (ended.code, ended.out) == (0, "")
    first, *notes = ended.err.splitlines()
    assert first == f"1 statements: {output}"
    assert [note.startswith("differs: severity, owner") for note in notes] == [True]
    assert json.loads(output.read_text("utf-8")) == {
        "tags": {
            "Env": {
                "tag_key": {"@@assign": "Env"},
                "tag_value": {"@@assign": ["prod", "größe"]},
            }
        }
    }
    assert program.run("policy", "export", path).out == output.read_text("utf-8")


def test_without_a_file_the_configured_policy_is_exported_and_its_required_tags_are_listed(
    organization: Program,
) -> None:
    rule = {"id": "case", "tag": "Team", "key_case": "exact"}
    waiver = {
        "id": "old",
        "rules": ["case"],
        "match": {"accounts": [SHOP]},
        "reason": "until the migration",
        "owner": "team:shop",
        "expires": "2020-01-01",
    }
    folder = organization.place.folder
    _write(folder / "policy.yaml", {"rules": [rule], "waivers": [waiver]})
    organization.configure(organization.fake.organization, policy="policy.yaml")
    ended = organization.run("policy", "export")
    assert [*json.loads(ended.out)["tags"]] == ["Team"]
    listed = [line.split(":")[1] for line in ended.err.splitlines()[1:]]
    assert listed[:3] == [
        " rule required-tag-Owner",
        " rule required-tag-Environment",
        " waiver old",
    ]


def test_a_tag_policy_that_aws_would_reject_for_its_size_is_not_written(
    program: Program, tmp_path: Path
) -> None:
    def export(values: int, output: Path) -> tuple[int, str]:
        texts = [f"{number:0100}" for number in range(values)]
        rule = {"id": "env", "tag": "Env", "key_case": "exact", "values": texts}
        path = _write(tmp_path / "policy.yaml", {"rules": [rule]})
        ended = program.run("policy", "export", path, "--output", str(output))
        return ended.code, ended.err

    fits, large = tmp_path / "fits.json", tmp_path / "large.json"
    assert export(95, fits)[0] == 0
    assert len(fits.read_text("utf-8")) < 10_000
    code, err = export(100, large)
    assert (code, large.exists()) == (2, False)
    assert "it would have 10,374 characters; AWS allows 10,000" in err


def test_an_output_that_cannot_be_written_is_one_error(program: Program, tmp_path: Path) -> None:
    path = _write(tmp_path / "basic.json", BASIC)
    line = program.fails(1, "policy", "import", path, "--output", str(tmp_path))
    assert "cannot write" in line
