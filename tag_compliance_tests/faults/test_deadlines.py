"""What hangs is given up at its deadline; it delays neither the other accounts nor the exit."""

from __future__ import annotations

import pytest

from tag_compliance_tests.fake_aws import FakeAws, Fault, generate_organization
from tag_compliance_tests.faults.test_matrix import regions_of
from tag_compliance_tests.support.aws import REGIONS
from tag_compliance_tests.support.exposition import Exposition
from tag_compliance_tests.support.program import Program
from tag_compliance_tests.support.waiting import DEADLINE_SECONDS

ORGANIZATION = generate_organization(8, REGIONS, 20)
FIRST = next(iter(ORGANIZATION)).account_id


@pytest.mark.parametrize("operation", ["AssumeRole", "GetResources"])
def test_the_program_ends_while_a_response_still_drips(program: Program, operation: str) -> None:
    program.configure(ORGANIZATION, region_deadline=1)
    with FakeAws(ORGANIZATION) as fake:
        fake.faults.add(Fault.DRIP_BODY, operation=operation, account_id=FIRST)
        process = program.place.start("scan", environment=fake.environment())
        out, err = process.communicate(timeout=DEADLINE_SECONDS)

    assert process.returncode == 3, err
    read = Exposition(out)
    success = [
        read.value("tag_compliance_account_scan_success", account_id=account.account_id)
        for account in ORGANIZATION
    ]
    assert success == [0] + [1] * 7


def test_a_credential_process_that_hangs_is_one_failure_of_all_accounts(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.configure(ORGANIZATION, region_deadline=5)
    folder = program.place.folder
    (folder / "login.sh").write_text("echo started >> starts; exec sleep 1000\n")
    config = folder / "aws-config"
    config.write_text(f"[default]\ncredential_process = sh {folder}/login.sh\n")
    with FakeAws(ORGANIZATION) as fake:
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
        ended = program.run("scan")

    assert ended.code == 1
    assert {reason for reason, _ in regions_of(ended).values()} == {"access_denied"}
    assert "all 8 accounts: access_denied: " in ended.err
    assert "credential_process did not end within 5 s and was killed" in ended.err
    assert (folder / "starts").read_text() == "started\n"
