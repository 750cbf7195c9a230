"""From `config.yaml` and the environment to the configuration, or to all that is wrong with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tag_compliance.config.faults import cross_faults, told_by_pydantic
from tag_compliance.config.model import (
    NUMBER_KEYS,
    SCALAR_KEYS,
    STORAGE_RULE,
    Config,
    names_storage,
)
from tag_compliance.config.yaml_file import read_yaml
from tag_compliance.errors import BadConfiguration, Fault

ENVIRONMENT_PREFIX = "TAG_COMPLIANCE_"
DEFAULT_PATH = "config.yaml"


def load_config(path: Path, environment: Mapping[str, str], regions: Mapping[str, str]) -> Config:
    """The configuration of the file, single values overridden by `TAG_COMPLIANCE_<KEY>`.

    `regions` are the regions that AWS knows, each with its partition. A relative `storage` in the
    file is relative to the file's folder. Raises `BadConfiguration` with every fault there is.
    """
    raw, repeated = read_yaml(path)
    overriding = _from_environment(environment)
    faults = [*repeated, *cross_faults(raw, regions, str(path))]
    try:
        config = Config.model_validate({**raw, **overriding})
    except ValidationError as error:
        told = {fault.key for fault in faults}
        faults += [f for f in told_by_pydantic(error, str(path)) if f.key not in told]
        raise BadConfiguration(tuple(_at_their_source(faults, overriding))) from None
    if faults:
        raise BadConfiguration(tuple(faults))
    if "storage" in overriding or "://" in config.storage:
        return config
    return config.model_copy(update={"storage": _beside(path, config.storage)})


def _at_their_source(faults: list[Fault], overriding: Mapping[str, Any]) -> Iterator[Fault]:
    for fault in faults:
        if fault.key in overriding:
            name = f"{ENVIRONMENT_PREFIX}{fault.key.upper()}"
            yield replace(fault, source="environment variable", key=name)
        else:
            yield fault


def storage_of(path: Path, environment: Mapping[str, str]) -> str:
    """The storage alone, for a reader that needs nothing else: the variable, or the file's key."""
    named = environment.get(f"{ENVIRONMENT_PREFIX}STORAGE")
    if named and not names_storage(named):
        variable = f"{ENVIRONMENT_PREFIX}STORAGE"
        raise BadConfiguration((Fault("environment variable", variable, named, STORAGE_RULE),))
    if named:
        return named
    raw, _ = read_yaml(path)
    storage = raw.get("storage", Config.model_fields["storage"].default)
    if not isinstance(storage, str) or not names_storage(storage):
        raise BadConfiguration((Fault(str(path), "storage", storage, STORAGE_RULE),))
    return storage if "://" in storage else _beside(path, storage)


def _beside(path: Path, folder: str) -> str:
    return str(path.resolve().parent / folder)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Single values only: lists and maps belong in the file."""
    found: dict[str, Any] = {}
    for name in SCALAR_KEYS:
        text = environment.get(f"{ENVIRONMENT_PREFIX}{name.upper()}", "")
        if text:
            found[name] = _number(text) if name in NUMBER_KEYS else text
    return found


def _number(text: str) -> int | float | str:
    """What is no number stays a text, and is refused as one."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
