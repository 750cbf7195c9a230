"""Small organizations."""

from __future__ import annotations

from tag_compliance.simulator.organization import Organization
from tag_compliance_tests.simulator.clients import ACCOUNT_ID, REGION


def five_queues() -> Organization:
    """One account with five tagged queues in one region."""
    organization = Organization()
    account = organization.add_account(ACCOUNT_ID)
    for number in range(5):
        account.put(REGION, f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:queue-{number}", {"Owner": "a"})
    return organization
