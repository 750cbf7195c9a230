"""The configuration for commands that write to its storage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tag_compliance.aws.regions import known_regions
from tag_compliance.config import Config, load_config, overriding_variables
from tag_compliance.config.model import is_bucket
from tag_compliance.errors import BadConfiguration, Fault
from tag_compliance.storage.folder import FOREIGN_RULE, FolderStorage
from tag_compliance.storage.open import open_storage

_VARIABLE = "TAG_COMPLIANCE_STORAGE"
_SHOWN_NAMES = 3


def load_for_writing(path: Path, environment: Mapping[str, str]) -> Config:
    """The configuration of the file.

    Raises `BadConfiguration`, also if the storage is a folder with other content.
    """
    config = load_config(path, environment, known_regions())
    storage = None if is_bucket(config.storage) else open_storage(config.storage)
    foreign = storage.foreign_names() if isinstance(storage, FolderStorage) else []
    if not foreign:
        return config
    by_variable = _VARIABLE in overriding_variables(environment)
    source, key = ("environment variable", _VARIABLE) if by_variable else (str(path), "storage")
    shown = ", ".join(foreign[:_SHOWN_NAMES]) + (", …" if len(foreign) > _SHOWN_NAMES else "")
    rule = f"{FOREIGN_RULE}, but contains {shown}"
    raise BadConfiguration((Fault(source, key, config.storage, rule),))
