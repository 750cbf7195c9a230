"""The simulated AWS with faults on demand and a log of all calls."""

from tag_compliance.simulator.credentials import BASE_ACCOUNT_ID
from tag_compliance.simulator.generator import REQUIRED_TAGS, generate_organization
from tag_compliance.simulator.organization import Account, Organization
from tag_compliance.simulator.wire import Call
from tag_compliance_tests.fake_aws.fault_plan import FaultPlan, FaultRule
from tag_compliance_tests.fake_aws.faults import Fault
from tag_compliance_tests.fake_aws.server import CallLog, FakeAws

__all__ = [
    "BASE_ACCOUNT_ID",
    "REQUIRED_TAGS",
    "Account",
    "Call",
    "CallLog",
    "FakeAws",
    "Fault",
    "FaultPlan",
    "FaultRule",
    "Organization",
    "generate_organization",
]
