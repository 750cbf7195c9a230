"""The example `config.yaml` is valid and shows every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tag_compliance
from tag_compliance.config import load_config
from tag_compliance.config.model import KEYS, Account, AccountOverride
from tag_compliance_tests.config.regions import REGIONS

_EXAMPLE = Path(tag_compliance.__file__).parent.parent / "config.yaml"


def test_the_example_is_valid() -> None:
    assert load_config(_EXAMPLE, {}, REGIONS).aws_account_matrix


@pytest.mark.parametrize("key", KEYS)
def test_the_example_shows_each_key(key: str) -> None:
    assert re.search(rf"^(# )?{key}:", _EXAMPLE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("key", [*Account.model_fields, *AccountOverride.model_fields])
def test_the_example_names_each_key_of_an_account(key: str) -> None:
    assert re.search(rf"^ +(- |# )?.*\b{key}\b", _EXAMPLE.read_text(), re.MULTILINE)


def test_the_example_has_no_unknown_key() -> None:
    shown = re.findall(r"^(?:# )?([A-Za-z_]+):(?: |$)", _EXAMPLE.read_text(), re.MULTILINE)
    assert set(shown) == set(KEYS)
