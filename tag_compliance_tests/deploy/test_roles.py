"""The member role and the base role have the same names wherever a person reads or copies them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tag_compliance_tests.deploy.manifests import ROOT

_ACCOUNTS = re.compile(r"arn:aws:iam::(\d{12}):role/([\w/-]+)")
_BASE_ACCOUNT = "333333333333"
_BASE_ROLES = {"tag-compliance", "tag-compliance-exporter", "hub"}
_READER = ("999999999999", "tag-compliance-org-reader")
"""The account and the name of the role that reads the organization."""

_SHOWN = [
    ROOT / "README.md",
    ROOT / "config.yaml",
    *sorted((ROOT / "docs").glob("*.md")),
    *(p for p in sorted((ROOT / "iam").rglob("*")) if p.suffix in {".json", ".md", ".tf", ".yaml"}),
    *(p for p in sorted((ROOT / "k8s").rglob("*")) if p.suffix in {".md", ".yaml"}),
]


def _member_role() -> str:
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    role: str = config["assume_role_name_template"]
    return role


@pytest.mark.parametrize("path", _SHOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_of_a_role_is_the_member_role_or_a_role_of_the_base_account(
    path: Path,
) -> None:
    for account, role in _ACCOUNTS.findall(path.read_text(encoding="utf-8")):
        if account == _BASE_ACCOUNT:
            assert role in _BASE_ROLES
        elif (account, role) != _READER:
            assert role.rpartition("/")[2] == _member_role()


@pytest.mark.parametrize("path", _SHOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_of_a_template_names_the_member_role(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"^assume_role_name_template: (\S+)", text, re.MULTILINE)
    assert set(named) <= {_member_role()}


def test_cloudformation_and_terraform_create_the_member_role_by_default() -> None:
    template = yaml.safe_load(
        (ROOT / "iam/cloudformation/member-role.yaml").read_text(encoding="utf-8")
    )
    assert template["Parameters"]["RoleName"]["Default"] == _member_role()
    variables = (ROOT / "iam/terraform/modules/member/variables.tf").read_text(encoding="utf-8")
    [block] = re.findall(r'variable "role_name" {(.+?)^}', variables, re.DOTALL | re.MULTILINE)
    assert f'default     = "{_member_role()}"' in block


@pytest.mark.parametrize("path", sorted((ROOT / "iam").rglob("*.json")), ids=lambda p: p.name)
def test_no_example_policy_requires_an_external_id_that_the_example_configuration_does_not_set(
    path: Path,
) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    assert "external_id" not in config
    assert "sts:ExternalId" not in path.read_text(encoding="utf-8")
