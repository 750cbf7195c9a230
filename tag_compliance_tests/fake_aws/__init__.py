"""A small AWS on loopback: STS and the Resource Groups Tagging API, with faults on demand."""

from tag_compliance_tests.fake_aws.calls import Call, CallLog
from tag_compliance_tests.fake_aws.credentials import BASE_ACCOUNT_ID
from tag_compliance_tests.fake_aws.fault_plan import FaultPlan, FaultRule
from tag_compliance_tests.fake_aws.faults import Fault
from tag_compliance_tests.fake_aws.generator import REQUIRED_TAGS, generate_organization
from tag_compliance_tests.fake_aws.organization import Account, Organization
from tag_compliance_tests.fake_aws.resources import FakeResource
from tag_compliance_tests.fake_aws.server import FakeAws

__all__ = [
    "BASE_ACCOUNT_ID",
    "REQUIRED_TAGS",
    "Account",
    "Call",
    "CallLog",
    "FakeAws",
    "FakeResource",
    "Fault",
    "FaultPlan",
    "FaultRule",
    "Organization",
    "generate_organization",
]
