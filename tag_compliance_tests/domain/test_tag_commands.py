"""The `aws` commands that would fix findings."""

from __future__ import annotations

import json
import subprocess

from tag_compliance.domain.tag_commands import fixing_commands
from tag_compliance_tests.reports.rows import report_row


def test_commands_quote_whatever_a_stranger_wrote_for_the_shell() -> None:
    arn = "arn:aws:ec2:eu-west-1:1:vpc/$(touch pwned)'`;"
    row = report_row(arn=arn, tag="Größe' $x", codes=("missing",))
    [line] = fixing_commands([row])
    printed = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert printed[4] == arn
    assert json.loads(printed[6]) == {"Größe' $x": "VALUE"}


def test_forbidden_keys_are_removed_and_of_several_keys_the_first_is_set() -> None:
    rows = [
        report_row(tag="Owner|Team", codes=("missing",)),
        report_row(tag="tmp|secret", codes=("forbidden_key",)),
        report_row(tag="Env", codes=("value_not_allowed",)),
    ]
    set_tags, remove_tags = fixing_commands(rows)
    assert """--tags '{"Env": "VALUE", "Owner": "VALUE"}'""" in set_tags
    assert "untag-resources" in remove_tags
    assert "--tag-keys secret tmp --region" in remove_tags
    assert fixing_commands([]) == []


def test_roles_and_users_are_tagged_with_iam() -> None:
    arn = "arn:aws:iam::111122223333:role/path/admin"
    row = report_row(arn=arn, resource_type="iam:role", tag="Owner")
    assert fixing_commands([row]) == [
        """aws iam tag-role --role-name admin --tags '[{"Key": "Owner", "Value": "VALUE"}]'"""
    ]
    forbidden = row._replace(resource_type="iam:user", codes=("forbidden_key",))
    assert fixing_commands([forbidden]) == ["aws iam untag-user --user-name admin --tag-keys Owner"]
