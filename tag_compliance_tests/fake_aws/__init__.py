"""The simulated AWS with faults on demand and a log of all calls."""

from tag_compliance.simulator.credentials import BASE_ACCOUNT_ID
from tag_compliance.simulator.generator import generate_organization
from tag_compliance.simulator.organization import Organization
from tag_compliance.simulator.wire import Call
from tag_compliance_tests.fake_aws.fault_plan import FaultPlan, FaultRule
from tag_compliance_tests.fake_aws.faults import Fault
from tag_compliance_tests.fake_aws.server import FakeAws

__all__ = [
    "BASE_ACCOUNT_ID",
    "Call",
    "FakeAws",
    "Fault",
    "FaultPlan",
    "FaultRule",
    "Organization",
    "generate_organization",
]
