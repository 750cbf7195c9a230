"""`tag-compliance explain`: what is known about one resource, and what would fix it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import pytest

from tag_compliance_tests.fake_aws import FakeAws, Fault, Organization
from tag_compliance_tests.support.program import Program

SHOP, LAB = "111122223333", "222233334444"
BUCKET = "arn:aws:s3:::shared"
TASK = f"arn:aws:ecs:eu-west-1:{SHOP}:task/x/1"


@pytest.fixture
def scanned(program: Program) -> Iterator[Program]:
    """A bucket that two accounts return, with other tags in each, and an excluded task."""
    organization = Organization()
    shop, lab = organization.add_account(SHOP), organization.add_account(LAB)
    shop.put("eu-west-1", BUCKET, {"Team": "web"})
    shop.put("eu-west-1", TASK, {})
    lab.put("eu-west-1", BUCKET, {"Owner": "me", "Environment": ""})
    program.configure(organization, owner_tags=["Team"], excluded_resource_types=["ecs:*"])
    with FakeAws(organization) as fake:
        program.aws = fake
        assert program.scan(fake).code == 0
        yield program


def test_each_account_that_has_the_resource_is_explained(scanned: Program) -> None:
    ended = scanned.run("explain", BUCKET)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [line for line in lines if line.startswith("  account")] == [
        f"  account   {SHOP} ({SHOP})",
        f"  account   {LAB} ({LAB})",
    ]
    assert "  returned  by tagging in eu-west-1, read 20" in ended.out
    assert '  tags      {"Team":"web"}' in lines
    assert "  owner     web (tag:Team)" in lines
    assert "  owner     (none)" in lines
    since = re.escape("    required-tag-Owner (medium): violated: missing: Owner, since 20")
    assert [line for line in lines if re.match(since, line)]
    assert "    required-tag-Owner (medium): passes" in lines
    [command] = [line.strip() for line in lines if line.startswith("    aws ")]
    words = shlex.split(command)
    assert words[:4] == ["aws", "resourcegroupstaggingapi", "tag-resources", "--resource-arn-list"]
    assert words[4] == BUCKET
    assert json.loads(words[6]) == {"Environment": "VALUE", "Owner": "VALUE"}
    assert words[7:] == ["--region", "eu-west-1"]


def test_one_account_can_be_chosen(scanned: Program) -> None:
    ended = scanned.run("explain", BUCKET, "--account", LAB)
    assert SHOP not in ended.out
    assert "violated" not in ended.out
    assert "aws " not in ended.out


def test_an_excluded_resource_says_which_pattern_excludes_it(scanned: Program) -> None:
    assert "  not counted: excluded_resource_types has ecs:*" in scanned.run("explain", TASK).out


def test_a_resource_of_an_unread_region_says_why_it_does_not_count(scanned: Program) -> None:
    scanned.fake.faults.add(Fault.ACCESS_DENIED, account_id=SHOP, operation="GetResources")
    assert scanned.run("scan").code == 3
    out = scanned.run("explain", BUCKET, "--account", SHOP).out
    assert "(access_denied since)" in out
    assert "  not counted: the numbers of its region do not count" in out


def test_an_unknown_resource_is_an_error_with_the_possible_reasons(scanned: Program) -> None:
    ended = scanned.run("explain", "arn:aws:s3:::other\x1b[31m")
    assert ended.code == 1
    assert ended.out.startswith("arn:aws:s3:::other\\x1b[31m: the latest scan does not know")
