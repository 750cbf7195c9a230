"""The accounts of a command: those to scan, and the one that `--account` names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from tag_compliance.aws.discovery import is_due, refresh, require_targets
from tag_compliance.aws.targets import resolve, targets_of
from tag_compliance.config import Config
from tag_compliance.domain.account import Target
from tag_compliance.domain.clock import utc_now
from tag_compliance.domain.organization import DiscoveredOrganization
from tag_compliance.errors import BadConfiguration, Fault, TagComplianceError
from tag_compliance.logs import get_logger
from tag_compliance.storage.open import open_storage
from tag_compliance.tables.organization import Organizations

logger = get_logger(__name__)


def stored_organization(config: Config) -> DiscoveredOrganization | None:
    """The stored list of accounts; None without one, and without the key `organization`."""
    if config.organization is None:
        return None
    return Organizations(open_storage(config.storage), logger.warning).load()


def with_stored_accounts(config: Config) -> Config:
    """The configuration of a scan with the stored list of accounts, without calling AWS."""
    return resolve(config, stored_organization(config))


def known_targets(config: Config) -> Sequence[Target] | None:
    """The accounts that a scan reads, without calling AWS; None if they are not known.

    Those of AWS Organizations are known after the first scan, if the storage can be read.
    """
    if config.organization is None:
        return targets_of(config)
    try:
        found = stored_organization(config)
    except TagComplianceError:
        return None
    return targets_of(resolve(config, found)) if found and found.listed_at else None


def with_accounts(config: Config, named: str | None = None, *, accept: bool = False) -> Config:
    """The configuration of a scan. Reads the list of accounts from AWS Organizations if it is due.

    For a scan of one account, it is due only if the stored list does not have the account: the
    others are not scanned. With `accept` it is read in any case, and a list that is smaller than
    before is accepted. Raises `NothingToScan`.
    """
    if config.organization is None:
        return config
    known = stored_organization(config)
    if named is not None and not accept:
        wanted = not _matching(named, resolve(config, known))
    else:
        wanted = accept or is_due(config, known, utc_now())
    if wanted:
        known = refresh(config, open_storage(config.storage), logger.warning, accept=accept)
    return require_targets(resolve(config, known), known)


def account_id_of(named: str, config: Config, config_path: Path) -> str:
    """The id of the account with this id or, if only one has it, with this name.

    Raises `BadConfiguration`.
    """
    found = _matching(named, config)
    if len(found) == 1:
        return found[0]
    rule = f"{len(found)} accounts have this name; use an id: {', '.join(found)}"
    if not found:
        known = [name for t in targets_of(config) for name in (t.account_id, t.account_name)]
        near = difflib.get_close_matches(named, known, n=1)
        source = "or AWS Organizations" if config.organization else ""
        rule = " ".join(filter(None, (f"no such account in {config_path}", source)))
        rule += "".join(f"; did you mean {n}?" for n in near)
    raise BadConfiguration((Fault("command line", "--account", named, rule),))


def _matching(named: str, config: Config) -> list[str]:
    """The ids of the accounts with this id or else with this name."""
    targets = targets_of(config)
    found = [str(t.account_id) for t in targets if named == t.account_id]
    return found or [str(t.account_id) for t in targets if named == t.account_name]
