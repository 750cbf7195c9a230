"""The files in `iam/` match the program, and the tools for them accept them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
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
_MODULES = ("", "modules/member", "modules/organization", "modules/policies")
_TEMPLATE = _IAM / "cloudformation/member-role.yaml"
_ORGANIZATION_TEMPLATE = _IAM / "cloudformation/organization-role.yaml"
_SOURCES: list[dict[str, Any]] = [
    {},
    {"more_sources": ["iam", "autoscaling"], "never_tagged": "report"},
    {"more_sources": ["iam"], "iam_tags_from": "list_tags"},
]
"""The keys of configurations with different sources."""

_READER = "arn:aws:iam::999999999999:role/tag-compliance-org-reader"
_EXTERNAL_ID = "tag-compliance-of-this-company"


def _policies() -> dict[str, iam.Document]:
    """The policies of the example configuration."""
    config = load_config(_ROOT / "config.yaml", {}, known_regions())
    return {
        "base-role-policy.json": iam.base_role_policy(config),
        "member-role-policy.json": iam.member_role_policy(config),
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
@pytest.mark.parametrize("sources", _SOURCES)
def test_parliament_reports_nothing_about_the_policies(name: str, sources: dict[str, Any]) -> None:
    organization = {"role_arn": _READER, "regions": "enabled", "account_owner_tag": "Owner"}
    config = config_of(
        storage="s3://bucket/prefix", via_role_arn=HUB, organization=organization, **sources
    )
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
@pytest.mark.parametrize("sources", _SOURCES)
def test_the_stack_set_creates_the_policies_of_the_program(
    external_id: str, regions: str | list[str], sources: dict[str, Any]
) -> None:
    role = _created(
        _TEMPLATE,
        "MemberRole",
        {
            "ExternalId": external_id,
            "RoleName": "reader",
            "ReadRegions": str(regions == "enabled").lower(),
            **_parameters_of(sources),
        },
    )
    config = config_of(organization={"regions": regions}, **sources)
    assert role["AssumeRolePolicyDocument"] == iam.trust_policy(BASE, external_id or None)
    assert [p["PolicyDocument"] for p in role["Policies"]] == [iam.member_role_policy(config)]


@pytest.mark.parametrize("owner_tag", [None, "Owner"])
@pytest.mark.parametrize("external_id", ["", _EXTERNAL_ID])
def test_the_stack_of_the_organization_creates_the_policies_of_the_program(
    external_id: str, owner_tag: str | None
) -> None:
    asked = {"ExternalId": external_id, "ReadOwners": str(owner_tag is not None).lower()}
    role = _created(_ORGANIZATION_TEMPLATE, "OrganizationRole", asked)
    config = config_of(organization={"role_arn": _READER, "account_owner_tag": owner_tag})
    assert _READER.endswith(f"/{role['RoleName']}")
    assert role["AssumeRolePolicyDocument"] == iam.trust_policy(BASE, external_id or None)
    assert [p["PolicyDocument"] for p in role["Policies"]] == [iam.organization_policy(config)]


def _created(path: Path, resource: str, given: dict[str, str]) -> Any:
    """The properties of a resource of the template, with these parameters and the defaults."""
    template = yaml.safe_load(path.read_text(encoding="utf-8"))
    defaults = {name: found.get("Default", "") for name, found in template["Parameters"].items()}
    parameters = {**defaults, "PrincipalArn": BASE, **given}
    return _filled(template["Resources"][resource]["Properties"], template, parameters)


def _parameters_of(sources: dict[str, Any]) -> dict[str, str]:
    """The parameters of the template for these keys of the configuration."""
    more = sources.get("more_sources", [])
    on = {
        "ReadIam": sources.get("iam_tags_from", "account_details") if "iam" in more else "",
        "ReadAutoScalingGroups": "on" if "autoscaling" in more else "",
        "ReadNeverTaggedResources": "on" if "never_tagged" in sources else "",
    }
    return {name: value for name, value in on.items() if value}


def _filled(node: Any, template: dict[str, Any], parameters: dict[str, str]) -> Any:
    """The part of the template with its parameters resolved, as CloudFormation does it."""
    fill = partial(_filled, template=template, parameters=parameters)
    match node:
        case list():
            filled: Any = [found for entry in node if (found := fill(entry)) is not None]
        case {"Ref": name}:
            filled = None if name == "AWS::NoValue" else parameters[name]
        case {"Fn::Sub": text}:
            filled = text.replace("${AWS::Partition}", "aws")
        case {"Fn::Not": [condition]}:
            filled = not fill(condition)
        case {"Fn::Equals": [left, right]}:
            filled = fill(left) == fill(right)
        case {"Fn::If": [condition, then, otherwise]}:
            filled = fill(then if fill(template["Conditions"][condition]) else otherwise)
        case dict():
            entries = {key: fill(value) for key, value in node.items()}
            filled = {key: value for key, value in entries.items() if value is not None}
        case _:
            filled = node
    return filled


@pytest.mark.parametrize("template", sorted(_TEMPLATE.parent.iterdir()), ids=lambda path: path.name)
def test_cfn_lint_accepts_the_template(template: Path) -> None:
    _run(_of_this_environment("cfn-lint"), "--non-zero-exit-code", "informational", str(template))


def test_the_template_for_resource_explorer_creates_a_view_that_the_program_uses() -> None:
    template = yaml.safe_load((_TEMPLATE.parent / "resource-explorer.yaml").read_text("utf-8"))
    view = template["Resources"]["View"]["Properties"]
    assert view == {"ViewName": {"Ref": "ViewName"}, "IncludedProperties": [{"Name": "tags"}]}
    assert template["Resources"]["Index"]["Properties"] == {"Type": "LOCAL"}


def test_terraform_accepts_the_modules(terraform: tuple[str, Path]) -> None:
    """Without the AWS provider only the format and the references can be verified."""
    program, copy = terraform
    _run(program, "fmt", "-check", "-recursive", "-diff", folder=copy)
    for module in _MODULES:
        _run(program, "get", folder=copy / module)
        _run(program, "providers", folder=copy / module)


_ORGANIZATIONS: list[dict[str, Any] | None] = [
    {"role_arn": _READER, "regions": ["us-east-1"]},
    {"role_arn": _READER, "regions": "enabled", "account_owner_tag": "Owner"},
    {"regions": "enabled", "account_owner_tag": "Owner"},
]


@pytest.mark.parametrize(
    ("external_id", "storage", "sources", "organization"),
    [
        *((None, storage, {}, None) for storage in (None, "s3://bucket", "s3://bucket/a/prefix/")),
        *((_EXTERNAL_ID, None, sources, None) for sources in _SOURCES),
        *((None, None, {}, organization) for organization in _ORGANIZATIONS),
    ],
)
def test_terraform_creates_the_policies_of_the_program(
    terraform: tuple[str, Path],
    external_id: str | None,
    storage: str | None,
    sources: dict[str, Any],
    organization: dict[str, Any] | None,
) -> None:
    config = config_of(
        storage=storage, external_id=external_id, organization=organization, **sources
    )
    keys, trusts = organization or {}, iam.trust_policies(config, BASE)
    variables = {
        "role_arns": [*trusts],
        "principal_arn": BASE,
        "external_id": external_id,
        "storage": storage,
        "read_regions": keys.get("regions") == "enabled",
        "read_owners": "account_owner_tag" in keys,
        "base_reads_organization": organization is not None and "role_arn" not in keys,
        **sources,
    }
    made = _applied(terraform, variables)
    wanted = {
        "base": iam.base_role_policy(config),
        "member": iam.member_role_policy(config),
        "trust": _only(trusts.values()),
        "exporter": iam.exporter_policy(config),
        "storage": iam.storage_policy(config),
    }
    reader = made.pop("organization")
    assert made == {name: policy for name, policy in wanted.items() if policy}
    assert not organization or reader == {
        "Version": "2012-10-17",
        "Statement": iam.read_organization(config),
    }


def _applied(terraform: tuple[str, Path], variables: dict[str, Any]) -> dict[str, Any]:
    """The policy documents that the module creates."""
    program, copy = terraform
    folder = copy / "modules/policies"
    (folder / "terraform.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
    _run(program, "init", folder=folder)
    _run(program, "validate", folder=folder)
    _run(program, "apply", "-auto-approve", folder=folder)
    outputs = json.loads(_run(program, "output", "-json", folder=folder))
    return {
        name: json.loads(output["value"]) for name, output in outputs.items() if output["value"]
    }


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
