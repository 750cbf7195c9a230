"""The demo organization in a simulated AWS."""

from __future__ import annotations

from tag_compliance.simulator.demo.accounts import ACCOUNTS
from tag_compliance.simulator.demo.resources import resources_of
from tag_compliance.simulator.demo.tag_habit import TagHabit
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.server import SimulatedAws

ROLE_NAME = "terraform"
_MANAGEMENT_ACCOUNT_ID = "123456789012"
_SCANNER_NAME = "tag-compliance"


def create_demo_organization() -> Organization:
    """The accounts with all their resources."""
    organization = Organization()
    for described in ACCOUNTS:
        roles = {ROLE_NAME} if described.trusts_scanner else frozenset()
        account = organization.add_account(described.account_id, roles=roles)
        for resource in resources_of(described):
            if resource.habit is TagHabit.NEVER_TAGGED:
                account.put_never_tagged(resource.region, resource.arn)
            else:
                account.put(resource.region, resource.arn, resource.tags)
    return organization


def simulate_demo() -> SimulatedAws:
    """A simulated AWS with the demo organization; the base credentials are the scanner's."""
    return SimulatedAws(
        create_demo_organization(),
        base_account_id=_MANAGEMENT_ACCOUNT_ID,
        base_user_name=_SCANNER_NAME,
    )
