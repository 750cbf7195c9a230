"""A scan that is interrupted ends at once, whatever it waits for."""

from __future__ import annotations

import signal
import time

import pytest

from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.program import Program


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.THROTTLED], ids=["answer", "pause"])
def test_an_interrupt_does_not_wait_for_an_answer_or_a_pause(
    program: Program, fault: Fault
) -> None:
    organization = generate_organization(4, REGIONS, 50)
    program.configure(organization, region_deadline=600)
    with FakeAws(organization) as fake:
        fake.faults.add(fault, operation="GetResources")
        process = program.place.start("scan", environment=fake.environment())
        assert fake.calls.wait_for("GetResources", 8, timeout=60)
        process.send_signal(signal.SIGINT)
        asked_at = time.monotonic()
        out, err = process.communicate(timeout=60)
        seconds = time.monotonic() - asked_at

    assert seconds < 10
    assert process.returncode not in {0, 3}
    assert out == ""
    assert "Traceback" not in err
