"""The example `config.yaml` is valid and shows every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tag_compliance
from tag_compliance.config import load_config
from tag_compliance.config.model import KEYS, Account, AccountOverride
from tag_compliance_tests.support.config import PARTITIONS

_EXAMPLE = Path(tag_compliance.__file__).parent.parent / "config.yaml"


def test_the_example_is_valid_and_shows_exactly_the_keys_that_exist() -> None:
    assert load_config(_EXAMPLE, {}, PARTITIONS).aws_account_matrix
    shown = re.findall(r"^(?:# )?([A-Za-z_]+):(?: |$)", _EXAMPLE.read_text(), re.MULTILINE)
    assert set(shown) == set(KEYS)


@pytest.mark.parametrize("key", [*Account.model_fields, *AccountOverride.model_fields])
def test_the_example_names_each_key_of_an_account(key: str) -> None:
    assert re.search(rf"^ +(- |# )?.*\b{key}\b", _EXAMPLE.read_text(), re.MULTILINE)
