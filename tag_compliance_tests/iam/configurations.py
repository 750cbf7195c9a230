"""Configurations for which the tests generate policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tag_compliance.aws.regions import known_regions
from tag_compliance.config import Config, load_config
from tag_compliance_tests.support.config import write_config

ROOT = Path(__file__).resolve().parents[2]
BASE = "arn:aws:iam::333333333333:role/tag-compliance"
HUB = "arn:aws:iam::333333333333:role/hub"


def write(folder: Path, **changed: Any) -> Path:
    """Writes a configuration of two accounts with the keys `changed`; None removes a key."""
    accounts = [
        {"account_id": "111111111111", "account_name": "production"},
        {"account_id": "222222222222", "account_name": "staging"},
    ]
    return write_config(folder, accounts, **{"assume_role_name_template": "reader", **changed})


def load(path: Path) -> Config:
    return load_config(path, {}, known_regions())
