"""What `doctor` tests: credentials, storage, alert hook and push target, and each region."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from tag_compliance.aws.caller import identify_caller
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.remediation import remediation_of
from tag_compliance.aws.scanner import scan_accounts
from tag_compliance.aws.targets import targets_of
from tag_compliance.cli.interrupts import interruptible
from tag_compliance.cli.progress import progress_bar
from tag_compliance.cli.push import check_push_target
from tag_compliance.config import Config
from tag_compliance.config.model import is_bucket
from tag_compliance.domain.read_status import AccountReadStatus
from tag_compliance.errors import TagComplianceError
from tag_compliance.storage.open import open_storage
from tag_compliance.storage.probe import probe

_UNTESTED = "not tested: it needs credentials"
_NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the setup: what was found, or a fault and the lines that say how to fix it."""

    name: str
    found: str
    fault: str = ""
    remedy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All results; `statuses` are in the configured order, and empty without credentials."""

    checks: tuple[Check, ...]
    statuses: tuple[AccountReadStatus, ...]

    @property
    def is_healthy(self) -> bool:
        return all(not check.fault for check in self.checks) and all(
            status.succeeded for status in self.statuses
        )


def diagnose(config: Config, push_target: str | None) -> Diagnosis:
    """Tests the credentials once, then each role and one page of each region. Stores nothing."""
    credentials = _credentials(config)
    usable = not credentials.fault
    checks = (
        credentials,
        _storage(config) if usable or not is_bucket(config.storage) else _untested("storage"),
        _alert_hook(config.alert_hook),
        _push_target(push_target),
    )
    return Diagnosis(checks, _read_accounts(config) if usable else ())


def _credentials(config: Config) -> Check:
    region = targets_of(config)[0].regions[0]
    try:
        with interruptible():
            return Check("credentials", identify_caller(region, float(config.region_deadline)))
    except AwsError as error:
        remedy = remediation_of(error.reason, str(error), (), region)
        return Check("credentials", "", f"{error.reason}: {error}", remedy)


def _storage(config: Config) -> Check:
    return _tested("storage", config.storage, lambda: probe(open_storage(config.storage)))


def _untested(name: str) -> Check:
    return Check(name, _UNTESTED)


def _alert_hook(named: str | None) -> Check:
    """Imports the function, as the daemon does, and does not call it: it may wake a person."""
    if named is None:
        return Check("alert hook", _NOT_CONFIGURED)

    def load() -> None:
        from tag_compliance.pipeline.alerts import load_hook  # imports Dagster

        inspect.signature(load_hook(named)).bind("alert")

    return _tested("alert hook", named, load)


def _push_target(url: str | None) -> Check:
    if url is None:
        return Check("push target", _NOT_CONFIGURED)
    return _tested("push target", "reachable", lambda: check_push_target(url))


def _tested(name: str, found: str, test: Callable[[], None]) -> Check:
    try:
        test()
    except TagComplianceError as error:
        return Check(name, found, str(error))
    except Exception as error:  # noqa: BLE001 - a module of an alert hook may raise anything
        return Check(name, found, f"{found}: {type(error).__name__}: {error}")
    return Check(name, found)


def _read_accounts(config: Config) -> tuple[AccountReadStatus, ...]:
    targets = targets_of(config)
    with interruptible(), progress_bar(config) as bar:
        scanned = scan_accounts(config, targets, bar.region_read, max_pages=1)
        statuses = {inventory.status.account_id: inventory.status for inventory in scanned}
    return tuple(statuses[target.account_id] for target in targets)
