"""Loads the configuration from `config.yaml` and the environment, or reports all its faults."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tag_compliance.config.messages import cross_key_faults, model_faults
from tag_compliance.config.model import (
    NUMBER_KEYS,
    SCALAR_KEYS,
    STORAGE_RULE,
    Config,
    names_storage,
)
from tag_compliance.config.yaml_file import read_yaml
from tag_compliance.errors import BadConfiguration, Fault

DEFAULT_PATH = "config.yaml"

_VARIABLE_OF = {key: f"TAG_COMPLIANCE_{key.upper()}" for key in SCALAR_KEYS}


def load_config(path: Path, environment: Mapping[str, str], regions: Mapping[str, str]) -> Config:
    """The configuration of the file; `TAG_COMPLIANCE_<KEY>` overrides a single value.

    `regions` are the regions of AWS with their partitions. A relative `storage` in the file is
    relative to the file's folder. Raises `BadConfiguration` with all faults together.
    """
    raw, repeated = read_yaml(path)
    overrides = _overrides_in(environment)
    faults = [*repeated, *cross_key_faults(raw, regions, str(path))]
    try:
        config = Config.model_validate({**raw, **overrides})
    except ValidationError as error:
        reported = {fault.key for fault in faults}
        faults += [f for f in model_faults(error, str(path)) if f.key not in reported]
        raise BadConfiguration(tuple(_with_their_source(faults, overrides))) from None
    if faults:
        raise BadConfiguration(tuple(faults))
    if "storage" in overrides or "://" in config.storage:
        return config
    return config.model_copy(update={"storage": _in_folder_of(path, config.storage)})


def overriding_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables in `environment` that `load_config` reads."""
    return {v: environment[v] for v in _VARIABLE_OF.values() if environment.get(v)}


def _with_their_source(faults: list[Fault], overrides: Mapping[str, Any]) -> Iterator[Fault]:
    for fault in faults:
        if fault.key in overrides:
            yield replace(fault, source="environment variable", key=_VARIABLE_OF[fault.key])
        else:
            yield fault


def storage_of(path: Path, environment: Mapping[str, str]) -> str:
    """Only the storage, for a process that needs nothing else; faults of other keys do not matter.

    Raises `BadConfiguration`.
    """
    variable = _VARIABLE_OF["storage"]
    named = environment.get(variable)
    if named and not names_storage(named):
        raise BadConfiguration((Fault("environment variable", variable, named, STORAGE_RULE),))
    if named:
        return named
    raw, _ = read_yaml(path)
    storage = raw.get("storage", Config.model_fields["storage"].default)
    if not isinstance(storage, str) or not names_storage(storage):
        raise BadConfiguration((Fault(str(path), "storage", storage, STORAGE_RULE),))
    return storage if "://" in storage else _in_folder_of(path, storage)


def _in_folder_of(path: Path, storage: str) -> str:
    return str(path.resolve().parent / storage)


def _overrides_in(environment: Mapping[str, str]) -> dict[str, Any]:
    """By key. Lists and maps are set in the file only."""
    return {
        key: _number(text) if key in NUMBER_KEYS else text
        for key, variable in _VARIABLE_OF.items()
        if (text := environment.get(variable))
    }


def _number(text: str) -> int | float | str:
    """A text that is not a number stays text, and the model rejects it."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
