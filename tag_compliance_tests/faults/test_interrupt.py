"""A scan that is interrupted ends, even if it is pausing between two attempts."""

from __future__ import annotations

import signal

from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.program import Program
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS


def test_an_interrupt_ends_a_scan_that_waits_for_its_next_attempt(program: Program) -> None:
    """Without the interrupt the scan would go on for ten times as long as the test waits."""
    organization = generate_organization(4, REGIONS, 50)
    program.configure(organization, region_deadline=int(10 * DEADLINE_SECONDS))
    with FakeAws(organization) as fake:
        fake.faults.add(Fault.THROTTLED, operation="GetResources")
        process = program.place.start("scan", environment=fake.environment())
        assert fake.calls.wait_for("GetResources", 8, timeout=DEADLINE_SECONDS)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE_SECONDS)

    assert process.returncode == 128 + signal.SIGINT
    assert out == ""
    assert "Traceback" not in err
