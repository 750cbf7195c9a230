"""An organization with units, and the configuration that discovers its accounts."""

from __future__ import annotations

from typing import Any

from tag_compliance.config import Config
from tag_compliance_tests.fake_aws import Organization

READER = "arn:aws:iam::999999999999:role/tag-compliance-org-reader"
SHOP, STAGE, SANDBOX, CLOSED = "111111111111", "222222222222", "333333333333", "444444444444"


def small_organization() -> Organization:
    """Three accounts in `Workloads/Prod`, `Workloads` and `Sandbox`, and one that is closed.

    Each has one tagged and one untagged queue in us-east-1. The management account is not in it.
    """
    organization = Organization()
    workloads = organization.add_unit("Workloads")
    units = {
        SHOP: ("shop", organization.add_unit("Prod", workloads)),
        STAGE: ("stage", workloads),
        SANDBOX: ("sandbox", organization.add_unit("Sandbox")),
        CLOSED: ("closed", organization.add_unit("Closed")),
    }
    for account_id, (name, unit) in units.items():
        account = organization.add_account(account_id)
        account.name, account.parent_id = name, unit
        account.account_tags = {"Owner": f"{name}@example.com"}
        for number, tags in enumerate(({"Owner": "a"}, {})):
            arn = f"arn:aws:sqs:us-east-1:{account_id}:queue-{number}"
            account.put("us-east-1", arn, tags)
    organization[CLOSED].state = "CLOSED"
    organization.add_account(
        "999999999999", roles=["tag-compliance-org-reader"]
    ).state = "SUSPENDED"
    return organization


def discovering(organization: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """The content of a configuration without rows; `organization` are keys of that key."""
    content = {
        "organization": {"role_arn": READER, **(organization or {})},
        "REQUIRED_TAGS": ["Owner"],
        "assume_role_name_template": "terraform",
        "calls_per_second": 0.0,
        "region_deadline": 20,
        **settings,
    }
    return {key: value for key, value in content.items() if value is not None}


def discovering_config(organization: dict[str, Any] | None = None, **settings: Any) -> Config:
    return Config.model_validate(discovering(organization, **settings))
