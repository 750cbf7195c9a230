"""From the options of `report` to a filter; a value that can match nothing is a fault.

A misspelled rule would otherwise make an empty report, and a gate in CI would pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tag_compliance.cli.accounts import account_id_of
from tag_compliance.cli.report_options import Filters
from tag_compliance.config.messages import suggestion
from tag_compliance.domain.report_filter import FindingFilter, is_below, matches_glob
from tag_compliance.errors import BadConfiguration, Fault
from tag_compliance.pipeline.merge import policy_of
from tag_compliance.pipeline.stored_findings import StoredFindings


def filter_of(filters: Filters, findings: StoredFindings, config_path: Path) -> FindingFilter:
    """Raises `BadConfiguration` with all faults together."""
    ids, faults = [], [*_faults(filters, findings)]
    for named in filters.account:
        try:
            ids.append(account_id_of(named, findings.config, config_path))
        except BadConfiguration as error:
            faults += error.faults
    if faults:
        raise BadConfiguration(tuple(faults))
    return FindingFilter(
        account_ids=tuple(ids),
        ous=filters.ou,
        regions=filters.region,
        types=filters.type,
        rules=filters.rule,
        severities=filters.severity,
        tags=tuple(_pair(text) for text in filters.tag),
        owners=filters.owner,
        state=filters.state,
    )


def describe(chosen: FindingFilter) -> str:
    """The filter in one line, for the head of a report."""
    parts = {
        "accounts": chosen.account_ids,
        "organizational units": chosen.ous,
        "regions": chosen.regions,
        "types": chosen.types,
        "rules": chosen.rules,
        "severities": chosen.severities,
        "tags": tuple(f"{key}={value}" for key, value in chosen.tags),
        "owners": chosen.owners,
    }
    limits = [f"{name} {', '.join(values)}" for name, values in parts.items() if values]
    return "; ".join([f"{chosen.state.capitalize()} findings", *limits])


def _faults(filters: Filters, findings: StoredFindings) -> Iterator[Fault]:
    targets = findings.targets()
    rules = [str(rule.rule_id) for rule in policy_of(findings.config).rules]
    for glob in filters.rule:
        if not any(matches_glob(glob, rule) for rule in rules):
            yield _fault("--rule", glob, "no such rule in the latest scan", rules)
    regions = {region for target in targets for region in target.regions}
    for region in filters.region:
        if region not in regions:
            yield _fault("--region", region, "the latest scan has no such region", regions)
    paths = {target.ou_path for target in targets}
    for ou in filters.ou:
        if not any(is_below(path, ou) for path in paths):
            yield _fault("--ou", ou, "no account is in this organizational unit", paths)
    for tag in filters.tag:
        if not _pair(tag)[0] or "=" not in tag:
            yield _fault("--tag", tag, "must be KEY=VALUE", ())
    if filters.tag and not findings.config.report_values:
        yield _fault("--tag", filters.tag[0], "report_values is false: values are not shown", ())


def _fault(flag: str, value: str, rule: str, known: Iterable[str]) -> Fault:
    return Fault("command line", flag, value, f"{rule}{suggestion(value, known)}")


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value
