"""Loads the configuration from `config.yaml` and the environment, or reports all its faults."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tag_compliance.config import model
from tag_compliance.config.messages import RULE_OF_KEY, cross_key_faults, model_faults
from tag_compliance.config.model import Config
from tag_compliance.config.policy_model import LoadedPolicy
from tag_compliance.config.yaml_file import read_yaml
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.findings_access import FindingsAccess
from tag_compliance.errors import BadConfiguration, BadPolicy, Fault
from tag_compliance.storage_uri import is_bucket

_STORAGE: TypeAdapter[str] = TypeAdapter(model.StorageUri)
_FINDINGS_ACCESS = TypeAdapter(FindingsAccess)
_ALERT_HOOK: TypeAdapter[str] = TypeAdapter(model.AlertHook)
_MISSING = "no such file; set --config or TAG_COMPLIANCE_CONFIG"
_VARIABLE_OF = {key: f"TAG_COMPLIANCE_{key.upper()}" for key in model.SCALAR_KEYS}
VARIABLES = frozenset(_VARIABLE_OF.values())
"""The variables that override a key of the file."""


def load_config(
    path: Path,
    environment: Mapping[str, str],
    regions: Mapping[str, str],
    today: date | None = None,
) -> Config:
    """The configuration of the file; `TAG_COMPLIANCE_<KEY>` overrides a single value.

    `regions` are the regions of AWS with their partitions. A relative `storage` in the file is
    relative to the file's folder, like the files that `policy` names. `today` is the day from which
    `max_waiver_days` counts; the default is the day in UTC. Raises `BadConfiguration` with all
    faults together, those of the policy included.
    """
    raw, repeated = read_yaml(path, _MISSING)
    overrides = _overrides_in(environment)
    settings = {**raw, **overrides}
    faults = [*repeated, *cross_key_faults(settings, regions, str(path))]
    named = settings.pop("policy", None)
    policy, of_policy = LoadedPolicy(), list[Fault]()
    if named is None or named == []:
        faults += _faults_without_policy(settings, str(path))
    else:
        # Rules need pyarrow and numpy, which the image for `serve` does not have.
        from tag_compliance.config.policy_file import load_policy, paths_of

        day, max_days = today or utc_now().date(), _max_waiver_days(settings)
        paths, wrong_paths = paths_of(named, path.parent, str(path))
        policy, wrong_rules = load_policy(paths, day, max_days)
        of_policy = [*wrong_paths, *wrong_rules]
        faults += of_policy
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        reported = {fault.key for fault in faults}
        faults += [f for f in model_faults(error, str(path)) if f.key not in reported]
    else:
        if not faults:
            storage = _resolved(config.storage, path, overrides)
            return config.model_copy(update={"storage": storage, "policy": policy})
    error_type = BadPolicy if faults == of_policy else BadConfiguration
    raise error_type(_with_their_source(faults, overrides))


def _max_waiver_days(settings: Mapping[str, Any]) -> int:
    """A wrong number is a fault of the model; until it is right, the default counts."""
    days = settings.get("max_waiver_days")
    if isinstance(days, int) and not isinstance(days, bool) and 0 < days <= model.MAX_DAYS:
        return days
    return int(Config.model_fields["max_waiver_days"].default)


def _faults_without_policy(settings: Mapping[str, Any], source: str) -> Iterator[Fault]:
    required = settings.get("REQUIRED_TAGS")
    if required is None:
        yield Fault(source, "REQUIRED_TAGS", None, "this key is required, or policy")
    elif required == []:
        yield Fault(source, "REQUIRED_TAGS", [], "must have at least one entry without a policy")


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


def alert_hook_of(path: Path, environment: Mapping[str, str]) -> str | None:
    """Only the alert hook, whatever else is wrong; None if there is none that could be tested."""
    overrides = _overrides_in(environment)
    with contextlib.suppress(BadConfiguration, ValidationError):
        raw = read_yaml(path, _MISSING)[0] | overrides
        return _ALERT_HOOK.validate_python(raw.get("alert_hook"))
    return None


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


def findings_access_of(path: Path, environment: Mapping[str, str]) -> FindingsAccess:
    """Only this key, which is not read from the file if a variable sets the storage.

    Raises `BadConfiguration` as `storage_of` does.
    """
    overrides = _overrides_in(environment)
    key, default = "findings_access", FindingsAccess.CREDENTIALS
    raw = overrides if {key, "storage"} & {*overrides} else read_yaml(path, _MISSING)[0]
    try:
        return _FINDINGS_ACCESS.validate_python(raw.get(key, default))
    except ValidationError as error:
        faults = [replace(fault, key=key) for fault in model_faults(error, str(path))]
        raise BadConfiguration(_with_their_source(faults, overrides)) from None


def _resolved(storage: str, path: Path, overrides: Mapping[str, Any]) -> str:
    """A folder becomes a path; one that the file names is relative to the file's folder."""
    if is_bucket(storage):
        return storage
    folder = storage.removeprefix("file://")
    return folder if "storage" in overrides else str(path.resolve().parent / folder)


def _overrides_in(environment: Mapping[str, str]) -> dict[str, Any]:
    """By key. Lists and maps are set in the file only."""
    return {
        key: _value_of(key, text)
        for key, variable in _VARIABLE_OF.items()
        if (text := environment.get(variable))
    }


_SWITCHES = {"true": True, "on": True, "false": False, "off": False}
"""YAML's words, which mean the same in a variable."""


def _value_of(key: str, text: str) -> object:
    if key in model.SWITCH_KEYS:
        return _SWITCHES.get(text.lower(), text)
    return _number(text) if key in model.NUMBER_KEYS else text


def _number(text: str) -> int | float | str:
    """A text that is not a number stays text, and the model rejects it."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
