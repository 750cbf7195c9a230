from __future__ import annotations

from tag_compliance_tests.support.config import write_config
from tag_compliance_tests.support.program import Program


def test_the_plan_shows_accounts_regions_roles_and_the_minimum_of_api_calls(
    program: Program,
) -> None:
    organization = program.fake.organization
    write_config(
        program.place.folder,
        organization,
        aws_account_overrides={
            "100000000001": {
                "role_arn": "arn:aws:iam::100000000001:role/audit",
                "via_role_arn": "arn:aws:iam::999999999999:role/hub",
                "external_id": "xyzzy",
            }
        },
        excluded_resource_types=["ecs:task"],
    )
    ended = program.run("check-config")
    assert ended.code == 0
    assert ended.err == ""
    state = program.place.state.resolve()
    assert (
        ended.out
        == f"""\
3 accounts, 6 regions, every 300 s

100000000000  100000000000
  role     arn:aws:iam::100000000000:role/terraform
  regions  us-east-1, eu-west-1

100000000001  100000000001
  role     arn:aws:iam::999999999999:role/hub
  role     arn:aws:iam::100000000001:role/audit (external id xyzzy)
  regions  us-east-1, eu-west-1

100000000002  100000000002
  role     arn:aws:iam::100000000002:role/terraform
  regions  us-east-1, eu-west-1

required tags   Owner, Environment
excluded types  ecs:task
storage         {state}
AWS API calls   at least 10 per scan, and one more for each further 100 resources of a region
"""
    )
    assert len(program.fake.calls) == 0, "no API is called"


def test_an_account_without_a_role_is_read_with_the_base_credentials(program: Program) -> None:
    write_config(program.place.folder, program.fake.organization, assume_role_name_template=None)
    ended = program.run("check-config")
    assert ended.code == 0
    assert "  role     none: the base credentials, if they belong to this account" in ended.out
