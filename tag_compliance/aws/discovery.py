"""Discovery: the accounts to scan, from the configuration and from AWS Organizations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from tag_compliance.aws.account_session import AccountSession
from tag_compliance.aws.clients import Clients
from tag_compliance.aws.enabled_regions import read_enabled_regions
from tag_compliance.aws.errors import AwsError
from tag_compliance.aws.organizations import OrganizationsApi
from tag_compliance.aws.regions import global_region_of, partition_of_regions
from tag_compliance.aws.retry import CallBudget
from tag_compliance.aws.sources.paging import BaseSession, Session
from tag_compliance.aws.targets import candidates_of, organization_steps, verdicts
from tag_compliance.config import Config
from tag_compliance.config.model import ENABLED, OrganizationSettings
from tag_compliance.domain.account import AccountId, AccountName, RegionName, Target
from tag_compliance.domain.clock import is_ahead, utc_now
from tag_compliance.domain.organization import (
    AccountOwner,
    Attempt,
    DiscoveredOrganization,
    EnabledRegions,
    OrganizationAccount,
    names_units,
)
from tag_compliance.domain.read_status import Reason
from tag_compliance.errors import NothingToScan
from tag_compliance.logs import get_logger
from tag_compliance.remote.time_limit import limited_to
from tag_compliance.storage.base import Storage
from tag_compliance.tables.organization import Organizations
from tag_compliance.tables.parquet import Warn

logger = get_logger(__name__)

_CACHED_FOR = timedelta(days=1)
"""For regions and owners, of which AWS has to be asked account by account."""


class _Cached(Protocol):
    @property
    def read_at(self) -> datetime: ...


T = TypeVar("T", bound=_Cached)


def is_due(config: Config, known: DiscoveredOrganization | None, now: datetime) -> bool:
    """Whether the list has to be read again: it is old, or was read with other settings.

    As long as it is old because it could not be read, it is due at each scan.
    """
    settings = config.organization
    if settings is None:
        return False
    if known is None or known.settings != _settings_of(settings) or is_ahead(known.attempt.at):
        return True
    refresh, scan = timedelta(seconds=settings.refresh), timedelta(seconds=config.refresh_interval)
    is_old = known.listed_at is None or now - known.listed_at >= refresh
    return now - known.attempt.at >= (min(refresh, scan) if is_old else refresh)


def refresh(
    config: Config, storage: Storage, warn: Warn, *, accept: bool = False
) -> DiscoveredOrganization:
    """Reads the organization and stores it. A failure is data: the last good list stays."""
    repository = Organizations(storage, warn)
    found = repository.store(discover(config, repository.load(), accept=accept))
    fields = {"accounts": len(found.accounts), "listed_at": found.listed_at}
    if found.attempt.succeeded:
        logger.info("accounts discovered", **fields)
    else:
        reason, message = str(found.attempt.reason), found.attempt.message
        logger.warning("accounts not discovered", **fields, reason=reason, message=message)
    return found


def discover(
    config: Config, known: DiscoveredOrganization | None, *, accept: bool = False
) -> DiscoveredOrganization:
    """Reads the organization; stores nothing. Takes `region_deadline` at most, like a region.

    `known` is what was known before. A list that is empty or too small is rejected unless it is
    to be accepted. The regions and owners of accounts are read again after a day.
    """
    with limited_to(config.region_deadline):
        return _discover(config, known, accept=accept)


def _discover(
    config: Config, known: DiscoveredOrganization | None, *, accept: bool
) -> DiscoveredOrganization:
    settings = config.organization or OrganizationSettings()
    known = known or DiscoveredOrganization(Attempt(utc_now(), Reason.NOT_SCANNED))
    known = replace(known, settings=_settings_of(settings))
    clients = Clients(config.max_concurrency, config.region_deadline)
    api = _api_of(config, clients)
    try:
        accounts = api.list_accounts()
        _require_units(accounts, settings)
        if not accept:
            _require_plausible(accounts, known.accounts, settings.largest_drop)
    except AwsError as error:
        return replace(known, attempt=Attempt(utc_now(), error.reason, str(error)))
    found = replace(known, listed_at=utc_now(), accounts=accounts)
    unasked = unnamed = None
    if settings.regions == ENABLED:
        found, unasked = _with_regions(config, clients, found)
    if settings.account_owner_tag:
        found, unnamed = _with_owners(config, api, found, settings.account_owner_tag)
    failure = unasked or unnamed
    attempt = Attempt(utc_now(), Reason.OK)
    if failure is not None:
        attempt = Attempt(utc_now(), failure.reason, str(failure))
    return replace(found, attempt=attempt)


def require_targets(config: Config, organization: DiscoveredOrganization | None) -> Config:
    """The configuration, which `resolve` has returned, if it has an account to read.

    Raises `NothingToScan`.
    """
    if config.aws_account_matrix:
        return config
    if organization is None or organization.listed_at is None:
        attempt = organization.attempt if organization else None
        cause = f"{attempt.reason}: {attempt.message}" if attempt else "it has not been read yet"
        raise NothingToScan(f"the accounts of AWS Organizations are not known: {cause}")
    counts = Counter(verdicts(config, organization).values())
    reasons = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    raise NothingToScan(
        f"no account of AWS Organizations is scanned: {reasons or 'none is listed'}"
    )


def _settings_of(settings: OrganizationSettings) -> str:
    """What the list depends on."""
    return settings.model_dump_json(exclude={"refresh", "largest_drop"})


def _api_of(config: Config, clients: Clients) -> OrganizationsApi:
    partition = partition_of_regions(config.regions)
    region, seconds = RegionName(global_region_of(partition)), float(config.region_deadline)
    steps = organization_steps(config)
    session: Session = BaseSession(clients)
    if steps:
        account_id = AccountId(steps[0].role_arn.split(":")[4])
        target = Target(account_id, AccountName(account_id), (region,))
        session = AccountSession(clients, target, steps, lambda s: CallBudget(seconds, stats=s))
    return OrganizationsApi(clients, session, region, seconds)


def _require_units(accounts: Iterable[OrganizationAccount], settings: OrganizationSettings) -> None:
    """Without the units, `include` and `exclude` would select wrong accounts."""
    if not names_units((*settings.include, *settings.exclude)):
        return
    for account in accounts:
        if account.state.is_readable and account.unit_ids is None:
            cause = (
                f"account {account.account_id} has no Paths, without which organization.include "
                "and exclude can only name accounts"
            )
            raise AwsError("ListAccounts", Reason.MALFORMED_RESPONSE, cause)


def _require_plausible(
    accounts: Iterable[OrganizationAccount],
    before: Iterable[OrganizationAccount],
    largest_drop: float,
) -> None:
    """A missing permission looks like missing accounts. Only accounts that can be read count."""
    now, known = (sum(a.state.is_readable for a in listed) for listed in (accounts, before))
    advice = "if that is right, accept it with: tag-compliance scan --accept-accounts"
    if now == 0:
        raise AwsError("ListAccounts", Reason.LIST_REJECTED, f"the list is empty; {advice}")
    if now < known * (1 - largest_drop / 100):
        cause = (
            f"{now} accounts instead of {known} are more than {largest_drop:g} % less "
            f"(organization.largest_drop); {advice}"
        )
        raise AwsError("ListAccounts", Reason.LIST_REJECTED, cause)


def _fresh(cached: Mapping[AccountId, T], now: datetime) -> dict[AccountId, T]:
    return {
        account_id: entry
        for account_id, entry in cached.items()
        if now - entry.read_at < _CACHED_FOR and not is_ahead(entry.read_at)
    }


def _with_regions(
    config: Config, clients: Clients, found: DiscoveredOrganization
) -> tuple[DiscoveredOrganization, AwsError | None]:
    """With the enabled regions of each account; one that cannot be asked keeps the last ones.

    A role that cannot be assumed is no failure of the discovery: the account itself then fails.
    """
    now = utc_now()
    failure: AwsError | None = None
    fresh = _fresh(found.regions, now)
    targets = [t for t in candidates_of(config, found) if not t.regions]
    wanted = {target.account_id for target in targets}
    regions = {a: entry for a, entry in found.regions.items() if a in wanted}
    default = tuple(map(RegionName, config.regions))
    asked = [replace(t, regions=default) for t in targets if t.account_id not in fresh]
    for reading in read_enabled_regions(config, clients, asked):
        if reading.error is None:
            regions[reading.account_id] = EnabledRegions(reading.regions, now)
            continue
        logger.warning("regions not read", account=reading.account_id, cause=str(reading.error))
        if reading.error.operation == "DescribeRegions":
            cause = f"account {reading.account_id}: {reading.error.cause}"
            failure = AwsError("DescribeRegions", reading.error.reason, cause)
    return replace(found, regions=regions), failure


def _with_owners(
    config: Config, api: OrganizationsApi, found: DiscoveredOrganization, key: str
) -> tuple[DiscoveredOrganization, AwsError | None]:
    """With the owner of each account. After a failure, the remaining ones keep the last owner."""
    now = utc_now()
    failure: AwsError | None = None
    owners = {a: entry for a, entry in found.owners.items() if entry.tag == key}
    fresh = _fresh(owners, now)
    listed = {account.account_id for account in found.accounts}
    targets = [t for t in candidates_of(config, found) if t.account_id in listed and not t.owner]
    wanted = [target.account_id for target in targets]
    owners = {a: owners[a] for a in wanted if a in owners}
    try:
        for account_id, owner in api.owners_of([a for a in wanted if a not in fresh], key):
            owners[account_id] = AccountOwner(owner, now, key)
    except AwsError as error:
        failure = error
    return replace(found, owners=owners), failure
