"""Loads the configuration from `config.yaml` and the environment, or reports all its faults."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tag_compliance.config import model
from tag_compliance.config.messages import RULE_OF_KEY, cross_key_faults, model_faults
from tag_compliance.config.model import Config
from tag_compliance.config.yaml_file import read_yaml
from tag_compliance.errors import BadConfiguration, Fault

_STORAGE: TypeAdapter[str] = TypeAdapter(model.StorageUri)
_MISSING = "no such file; set --config or TAG_COMPLIANCE_CONFIG"
_VARIABLE_OF = {key: f"TAG_COMPLIANCE_{key.upper()}" for key in model.SCALAR_KEYS}
VARIABLES = frozenset(_VARIABLE_OF.values())
"""The variables that override a key of the file."""


def load_config(path: Path, environment: Mapping[str, str], regions: Mapping[str, str]) -> Config:
    """The configuration of the file; `TAG_COMPLIANCE_<KEY>` overrides a single value.

    `regions` are the regions of AWS with their partitions. A relative `storage` in the file is
    relative to the file's folder. Raises `BadConfiguration` with all faults together.
    """
    raw, repeated = read_yaml(path, _MISSING)
    overrides = _overrides_in(environment)
    settings = {**raw, **overrides}
    faults = [*repeated, *cross_key_faults(settings, regions, str(path))]
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        reported = {fault.key for fault in faults}
        faults += [f for f in model_faults(error, str(path)) if f.key not in reported]
    else:
        if not faults:
            return config.model_copy(update={"storage": _resolved(config.storage, path, overrides)})
    raise BadConfiguration(_with_their_source(faults, overrides))


def overriding_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables in `environment` that `load_config` reads."""
    return {v: environment[v] for v in VARIABLES if environment.get(v)}


def _with_their_source(faults: list[Fault], overrides: Mapping[str, Any]) -> tuple[Fault, ...]:
    return tuple(
        replace(fault, source="environment variable", key=_VARIABLE_OF[fault.key])
        if fault.key in overrides
        else fault
        for fault in faults
    )


def storage_of(path: Path, environment: Mapping[str, str]) -> str:
    """Only the storage. Raises `BadConfiguration` if it is wrong or the file cannot be read."""
    overrides = _overrides_in(environment)
    raw = overrides if "storage" in overrides else read_yaml(path, _MISSING)[0]
    storage = raw.get("storage", Config.model_fields["storage"].default)
    try:
        return _resolved(_STORAGE.validate_python(storage), path, overrides)
    except ValidationError:
        fault = Fault(str(path), "storage", storage, RULE_OF_KEY["storage"])
        raise BadConfiguration(_with_their_source([fault], overrides)) from None


def _resolved(storage: str, path: Path, overrides: Mapping[str, Any]) -> str:
    """A folder becomes a path; one that the file names is relative to the file's folder."""
    if model.is_bucket(storage):
        return storage
    folder = storage.removeprefix("file://")
    return folder if "storage" in overrides else str(path.resolve().parent / folder)


def _overrides_in(environment: Mapping[str, str]) -> dict[str, Any]:
    """By key. Lists and maps are set in the file only."""
    return {
        key: _number(text) if key in model.NUMBER_KEYS else text
        for key, variable in _VARIABLE_OF.items()
        if (text := environment.get(variable))
    }


def _number(text: str) -> int | float | str:
    """A text that is not a number stays text, and the model rejects it."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
