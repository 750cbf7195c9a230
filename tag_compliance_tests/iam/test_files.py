"""The files in `iam/` match the program, and the tools for them accept them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tag_compliance.aws import iam
from tag_compliance.aws.regions import known_regions
from tag_compliance.config import load_config
from tag_compliance_tests.iam.configurations import BASE, HUB, config_of
from tag_compliance_tests.support.system import require

_ROOT = Path(__file__).resolve().parents[2]
_IAM = _ROOT / "iam"
_TERRAFORM = _IAM / "terraform"
_MODULES = ("", "modules/member", "modules/policies")
_TEMPLATE = _IAM / "cloudformation/member-role.yaml"
_ORGANIZATION_TEMPLATE = _IAM / "cloudformation/organization-role.yaml"
_READER = "arn:aws:iam::999999999999:role/tag-compliance-org-reader"
_EXTERNAL_ID = "tag-compliance-of-this-company"


def _policies() -> dict[str, iam.Document]:
    """The policies of the example configuration."""
    config = load_config(_ROOT / "config.yaml", {}, known_regions())
    return {
        "base-role-policy.json": iam.base_role_policy(config),
        "member-role-policy.json": iam.member_role_policy(),
        "member-trust-policy.json": _only(iam.trust_policies(config, BASE).values()),
    }


def _only(policies: Iterable[iam.Document]) -> iam.Document:
    """The policy of every role; fails if they differ."""
    first, *others = policies
    assert all(other == first for other in others)
    return first


def _run(*command: str, folder: Path | None = None, given: str = "") -> str:
    done = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _of_this_environment(program: str) -> str:
    return shutil.which(program, path=str(Path(sys.executable).parent)) or require(program)


@pytest.fixture
def terraform(tmp_path: Path) -> tuple[str, Path]:
    """The program, which Debian does not package, and a copy of the modules for its files."""
    program = shutil.which("terraform") or shutil.which("tofu")
    if program is None:
        pytest.skip("neither terraform nor tofu is installed")
    copy = tmp_path / "terraform"
    shutil.copytree(_TERRAFORM, copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    return program, copy


@pytest.mark.parametrize("name", [*_policies()])
def test_the_json_policies_are_those_of_the_example_configuration(name: str) -> None:
    assert json.loads((_IAM / name).read_text(encoding="utf-8")) == _policies()[name]


@pytest.mark.parametrize("name", ["base", "hub", "member", "organization", "exporter", "storage"])
def test_parliament_reports_nothing_about_the_policies(name: str) -> None:
    organization = {"role_arn": _READER, "regions": "enabled", "account_owner_tag": "Owner"}
    config = config_of(storage="s3://bucket/prefix", via_role_arn=HUB, organization=organization)
    policies = {
        "base": iam.base_role_policy(config),
        "hub": iam.hub_role_policies(config)[HUB],
        "member": iam.member_role_policy(config),
        "organization": iam.organization_policy(config),
        "exporter": iam.exporter_policy(config),
        "storage": iam.storage_policy(config),
    }
    assert _run(_of_this_environment("parliament"), given=json.dumps(policies[name])) == ""


@pytest.mark.parametrize("regions", ["enabled", ["us-east-1"]])
@pytest.mark.parametrize("external_id", ["", _EXTERNAL_ID])
def test_the_stack_set_creates_the_policies_of_the_program(
    external_id: str, regions: str | list[str]
) -> None:
    template = yaml.safe_load(_TEMPLATE.read_text(encoding="utf-8"))
    asked = {"ReadRegions": str(regions == "enabled").lower()}
    role = _filled(
        template["Resources"]["MemberRole"]["Properties"],
        {"PrincipalArn": BASE, "ExternalId": external_id, "RoleName": "reader", **asked},
    )
    config = config_of(organization={"regions": regions})
    assert role["AssumeRolePolicyDocument"] == iam.trust_policy(BASE, external_id or None)
    assert [p["PolicyDocument"] for p in role["Policies"]] == [iam.member_role_policy(config)]


@pytest.mark.parametrize("owner_tag", [None, "Owner"])
@pytest.mark.parametrize("external_id", ["", _EXTERNAL_ID])
def test_the_stack_of_the_organization_creates_the_policies_of_the_program(
    external_id: str, owner_tag: str | None
) -> None:
    template = yaml.safe_load(_ORGANIZATION_TEMPLATE.read_text(encoding="utf-8"))
    name = template["Parameters"]["RoleName"]["Default"]
    given = {"PrincipalArn": BASE, "ExternalId": external_id, "RoleName": name}
    asked = {"ReadOwners": str(owner_tag is not None).lower()}
    role = _filled(template["Resources"]["OrganizationRole"]["Properties"], given | asked)
    config = config_of(organization={"role_arn": _READER, "account_owner_tag": owner_tag})
    assert _READER.endswith(f"/{name}")
    assert role["AssumeRolePolicyDocument"] == iam.trust_policy(BASE, external_id or None)
    assert [p["PolicyDocument"] for p in role["Policies"]] == [iam.organization_policy(config)]


_CONDITIONS = {
    "AsksForExternalId": lambda given: given["ExternalId"] != "",
    "ReadsRegions": lambda given: given["ReadRegions"] == "true",
    "ReadsOwners": lambda given: given["ReadOwners"] == "true",
}


def _filled(node: Any, parameters: dict[str, str]) -> Any:
    """The part of the template with its parameters resolved, as CloudFormation does it."""
    if isinstance(node, list):
        entries = [_filled(entry, parameters) for entry in node]
        return [entry for entry in entries if entry is not None]
    if not isinstance(node, dict):
        return node
    if "Ref" in node:
        return None if node["Ref"] == "AWS::NoValue" else parameters[node["Ref"]]
    if "Fn::If" in node:
        condition, then, otherwise = node["Fn::If"]
        return _filled(then if _CONDITIONS[condition](parameters) else otherwise, parameters)
    if "Fn::Sub" in node:
        return node["Fn::Sub"].replace("${AWS::Partition}", "aws")
    filled = {key: _filled(value, parameters) for key, value in node.items()}
    return {key: value for key, value in filled.items() if value is not None}


@pytest.mark.parametrize("template", [_TEMPLATE, _ORGANIZATION_TEMPLATE], ids=lambda t: t.stem)
def test_cfn_lint_accepts_the_templates(template: Path) -> None:
    _run(_of_this_environment("cfn-lint"), "--non-zero-exit-code", "informational", str(template))


def test_terraform_accepts_the_modules(terraform: tuple[str, Path]) -> None:
    """Without the AWS provider only the format and the references can be verified."""
    program, copy = terraform
    _run(program, "fmt", "-check", "-recursive", "-diff", folder=copy)
    for module in _MODULES:
        _run(program, "get", folder=copy / module)
        _run(program, "providers", folder=copy / module)


@pytest.mark.parametrize("external_id", [None, _EXTERNAL_ID])
@pytest.mark.parametrize("storage", [None, "s3://bucket", "s3://bucket/some/prefix/"])
def test_terraform_creates_the_policies_of_the_program(
    terraform: tuple[str, Path], external_id: str | None, storage: str | None
) -> None:
    program, copy = terraform
    config = config_of(storage=storage, external_id=external_id)
    trusts = iam.trust_policies(config, BASE)
    variables = {
        "role_arns": [*trusts],
        "principal_arn": BASE,
        "external_id": external_id,
        "storage": storage,
    }
    folder = copy / "modules/policies"
    (folder / "terraform.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
    _run(program, "init", folder=folder)
    _run(program, "validate", folder=folder)
    _run(program, "apply", "-auto-approve", folder=folder)
    outputs = json.loads(_run(program, "output", "-json", folder=folder))
    made = {
        name: json.loads(output["value"]) for name, output in outputs.items() if output["value"]
    }
    wanted = {
        "base": iam.base_role_policy(config),
        "member": iam.member_role_policy(),
        "trust": next(iter(trusts.values())),
        "exporter": iam.exporter_policy(config),
        "storage": iam.storage_policy(config),
    }
    assert made == {name: policy for name, policy in wanted.items() if policy}


@pytest.mark.parametrize("module", _MODULES)
def test_terraform_modules_use_exactly_the_variables_that_they_declare(module: str) -> None:
    """`terraform validate` verifies the same, but needs the AWS provider."""
    text = {p.name: p.read_text(encoding="utf-8") for p in (_TERRAFORM / module).glob("*.tf")}
    whole = "\n".join(text.values())
    assert set(re.findall(r"\bvar\.(\w+)", whole)) == _declared("variable", whole)
    for attribute in re.findall(r"\bmodule\.policies\.(\w+)", whole):
        outputs = (_TERRAFORM / "modules/policies/outputs.tf").read_text(encoding="utf-8")
        assert attribute in _declared("output", outputs)
    for call in re.findall(r'^module "policies" {\n(.+?)^}', whole, re.MULTILINE | re.DOTALL):
        inputs = (_TERRAFORM / "modules/policies/variables.tf").read_text(encoding="utf-8")
        given = set(re.findall(r"^  (\w+) *=", call, re.MULTILINE)) - {"source"}
        assert given <= _declared("variable", inputs)


def _declared(kind: str, text: str) -> set[str]:
    return set(re.findall(rf'^{kind} "(\w+)"', text, re.MULTILINE))
