"""Configurations of two accounts, for which the tests generate policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tag_compliance.config import Config
from tag_compliance_tests.support.config import settings_of, write_config

BASE = "arn:aws:iam::333333333333:role/tag-compliance"
HUB = "arn:aws:iam::333333333333:role/hub"

_ACCOUNTS = [{"account_id": "111111111111"}, {"account_id": "222222222222"}]
_ROLE = {"assume_role_name_template": "reader"}


def config_of(**changed: Any) -> Config:
    """With the keys `changed`; None removes a key."""
    return Config.model_validate(settings_of(_ACCOUNTS, **_ROLE | changed))


def write(folder: Path, **changed: Any) -> Path:
    """Writes the configuration as `config.yaml`."""
    return write_config(folder, _ACCOUNTS, **_ROLE | changed)
