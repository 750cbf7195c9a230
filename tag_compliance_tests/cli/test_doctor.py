from __future__ import annotations

import json

from tag_compliance_tests.fake_aws import Fault
from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.program import Program

ROLE = "arn:aws:iam::100000000001:role/terraform"


def test_doctor_exits_0_when_every_region_can_be_read(program: Program) -> None:
    ended = program.run("doctor")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        *(
            f"{account}  {account}  {region:15} ok"
            for account in ("100000000000", "100000000001", "100000000002")
            for region in ("us-east-1", "eu-west-1")
        ),
        "",
        "6 of 6 regions can be read",
    ]
    assert not program.place.state.exists(), "nothing is stored"
    assert program.fake.calls.count("GetResources") == 6, "one page per region"


def test_a_role_that_cannot_be_assumed_is_reported_with_the_statements_to_add(
    program: Program,
) -> None:
    program.fake.organization["100000000001"].roles = ()
    write_config(program.place.folder, program.fake.organization, external_id="xyzzy")
    ended = program.run("doctor")
    assert ended.code == 1
    assert "4 of 6 regions can be read" in ended.out
    lines = ended.out.splitlines()
    (trust,) = [json.loads(line) for line in lines if '"Principal"' in line]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:user/base"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "xyzzy"}},
    }
    (allow,) = [json.loads(line) for line in lines if '"Resource"' in line]
    assert allow == {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}
    assert f"  {ROLE} must exist, and its trust policy must contain:" in lines
    failures = [line for line in lines if line.startswith("100000000001") and ": " in line]
    assert len(failures) == 1, "the same failure in two regions is reported once"


def test_a_missing_permission_is_reported_with_the_statement_to_add(program: Program) -> None:
    program.fake.faults.add(Fault.ACCESS_DENIED, operation="GetResources", region="eu-west-1")
    ended = program.run("doctor")
    assert ended.code == 1
    assert "3 of 6 regions can be read" in ended.out
    assert f"  add to a policy of {ROLE}:" in ended.out
    assert '{"Effect": "Allow", "Action": "tag:GetResources", "Resource": "*"}' in ended.out
