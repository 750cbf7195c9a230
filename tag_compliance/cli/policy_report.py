"""The policy files of the `policy` commands, and what `policy check` reports about valid ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tag_compliance.aws.regions import known_regions
from tag_compliance.cli.accounts import known_targets
from tag_compliance.config import Config, load_config
from tag_compliance.config.policy_file import load_policy
from tag_compliance.config.policy_model import LoadedPolicy
from tag_compliance.config.policy_rules import policy_of
from tag_compliance.domain.account import Target
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.policy import Policy
from tag_compliance.domain.policy_warnings import warnings_of
from tag_compliance.domain.waivers import Waiver, WaiverState
from tag_compliance.errors import BadConfiguration
from tag_compliance.logs import on_one_line

_SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """The lines for people, and how many of them are warnings."""

    lines: tuple[str, ...]
    warnings: int


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The content of valid policy files. Without a valid configuration, `config` is None, and
    `notes` says why.
    """

    policy: LoadedPolicy
    config: Config | None
    notes: tuple[str, ...] = ()


def load_policy_files(
    files: Sequence[Path], config_path: Path, environment: Mapping[str, str], today: date
) -> PolicyFiles:
    """The content of `files` or, without any, of the files that the configuration names.

    Raises `BadConfiguration` with all faults. If `files` are given, the configuration is optional.
    """
    if not files:
        configured = load_config(config_path, environment, known_regions(), today)
        return PolicyFiles(configured.policy, configured)
    config: Config | None = None
    notes: list[str] = []
    try:
        config = load_config(config_path, environment, known_regions(), today)
    except BadConfiguration as error:
        notes.append(f"accounts and regions are not known: {error.faults[0]}")
    days = Config.model_fields["max_waiver_days"].default
    if config is not None:
        days = config.max_waiver_days
    loaded, faults = load_policy(list(files), today, days)
    if faults:
        raise BadConfiguration(tuple(faults))
    return PolicyFiles(loaded, config, tuple(notes))


def check_policy(
    files: Sequence[Path], config_path: Path, environment: Mapping[str, str]
) -> PolicyReport:
    """Without a valid configuration, accounts and regions are not known. Raises
    `BadConfiguration` with all faults.
    """
    today = utc_now().date()
    found = load_policy_files(files, config_path, environment, today)
    return _report(found.policy, found.config, today, found.notes)


def _report(
    loaded: LoadedPolicy, config: Config | None, today: date, notes: Sequence[str]
) -> PolicyReport:
    targets: Sequence[Target] | None = None
    policy = policy_of((), (), loaded)
    if config is not None:
        policy = policy_of(config.required_tags, config.excluded_resource_types, loaded)
        targets = known_targets(config)
    warnings = [f"warning: {warning}" for warning in warnings_of(policy, targets)]
    disabled = sum(not rule.enabled for rule in loaded.rules)
    count = f"{len(loaded.rules)} rules ({disabled} disabled), {len(loaded.waivers)} waivers"
    lines = [
        f"{count}: valid, {len(warnings)} warnings",
        *notes,
        *warnings,
        *_ending(policy, today),
    ]
    return PolicyReport(tuple(on_one_line(line) for line in lines), len(warnings))


def _ending(policy: Policy, today: date) -> Iterator[str]:
    """The waivers that have expired or will soon, in the order of their last days."""
    ending: list[Waiver] = sorted(policy.waivers, key=lambda waiver: waiver.expires)
    for waiver in ending:
        days = (waiver.expires - today).days
        if waiver.state(today) is WaiverState.EXPIRED:
            yield f"expired: waiver {waiver.waiver_id}: its last day was {waiver.expires}"
        elif days <= _SOON_DAYS:
            last = f"its last day is {waiver.expires}, in {days} days"
            yield f"expires: waiver {waiver.waiver_id}: {last}"
