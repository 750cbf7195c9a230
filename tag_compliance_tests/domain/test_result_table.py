"""The compliance results as rows, and as a pandas frame."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tag_compliance.domain.account import AccountName
from tag_compliance.domain.evaluation import basis_of
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.resources import AccountInventory
from tag_compliance.domain.result_table import RESULT_SCHEMA, result_rows, to_frame
from tag_compliance_tests.domain.organizations import NOON, inventory

_POLICY = Policy(("Owner", "Env"), ("ecs:*",))
_ARN = "arn:aws:ec2:eu-west-1:111122223333:vpc/a"


def _table(account: AccountInventory, name: str = "shop") -> pa.Table:
    basis = basis_of(account.status, _POLICY, NOON)
    table = result_rows(account, AccountName(name), _POLICY, basis, "Workloads/Prod")
    assert table.schema.equals(RESULT_SCHEMA)
    return table


def test_a_row_says_which_required_tags_a_counted_resource_has_and_lacks() -> None:
    account = inventory(("eu-west-1", _ARN, {"Env": "x", "z": "y"}))
    assert _table(account, "renamed").to_pylist() == [
        {
            "account_id": "111122223333",
            "account_name": "renamed",
            "region": "eu-west-1",
            "arn": _ARN,
            "service": "ec2",
            "resource_type": "ec2:vpc",
            "tags": [("Env", "x"), ("z", "y")],
            "present_tags": ["Env"],
            "missing_tags": ["Owner"],
            "compliant": False,
            "source": "tagging",
            "ou_path": "Workloads/Prod",
        }
    ]


def test_excluded_resources_have_no_row() -> None:
    assert len(_table(inventory(("eu-west-1", "t", {}), resource_type="ecs:task"))) == 0


@pytest.mark.parametrize("accounts", [0, 1])
def test_the_frame_has_every_column_even_without_rows(accounts: int) -> None:
    frame = to_frame([_table(inventory(regions=("eu-west-1",)))] * accounts)
    assert list(frame.columns) == RESULT_SCHEMA.names


def test_the_frame_has_categories_for_labels_and_bools_for_compliance() -> None:
    frame = to_frame([_table(inventory(("eu-west-1", _ARN, {})))] * 2)
    assert (str(frame["region"].dtype), str(frame["compliant"].dtype)) == ("category", "bool")
    assert len(frame) == 2
