"""The filters of a list of findings: the fields of a form, and what is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tag_compliance.domain.report_filter import NO_OWNER, FindingFilter
from tag_compliance.exporter.findings_parameters import SEVERITIES
from tag_compliance.exporter.findings_values import KnownValues
from tag_compliance.exporter.pages.address import Address

MAX_OPTIONS = 300
"""A list with more values is a field for text, which suggests so many of them."""

LABELS = {
    "q": "Search",
    "account": "Account",
    "ou": "Organizational unit",
    "region": "Region",
    "type": "Type",
    "rule": "Rule",
    "severity": "Severity",
    "state": "State",
    "owner": "Owner",
    "tag": "Tag",
}
STATE_LABELS = {"": "open", "waived": "waived", "all": "open and waived"}
_ANY = ("", "any")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form: a list of options, or text with suggestions if `is_text`.

    `value` is the first of the chosen values; `others` are the rest, which the form keeps.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    value: str
    others: tuple[str, ...] = ()
    is_text: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter in use: `address` is the same page without it."""

    label: str
    value: str
    address: Address


def fields(address: Address, known: KnownValues, *, shows_values: bool) -> Iterator[Field]:
    """The fields of all filters except the search, in the order of the page."""
    accounts = [(a.account_id, f"{a.account_name} · {a.account_id}") for a in known.accounts]
    accounts.sort(key=lambda option: option[1].lower())
    yield _field(address, "account", accounts)
    yield _field(address, "ou", _same(known.ous))
    yield _field(address, "region", _same(known.regions))
    yield _field(address, "type", _same(known.types), is_text=True, hint="ec2 or ec2:*")
    yield _field(address, "rule", _same(known.rules))
    yield _field(address, "severity", _same(SEVERITIES))
    yield _field(address, "owner", [(NO_OWNER, NO_OWNER), *_same(known.owners)])
    if shows_values:
        yield _field(address, "tag", [], is_text=True, hint="KEY=VALUE")
    chosen = address.values("state")
    state = chosen[0] if chosen and chosen[0] != "open" else ""
    yield Field("state", LABELS["state"], tuple(STATE_LABELS.items()), state)


def choices(address: Address, known: KnownValues) -> Iterator[Choice]:
    """The filters in use, in the order of the address."""
    names = {a.account_id: a.account_name for a in known.accounts}
    for name, value in address.parameters:
        if name not in LABELS or (name, value) == ("state", "open"):
            continue
        shown = f"{names[value]} · {value}" if name == "account" and value in names else value
        yield Choice(LABELS[name], shown, address.without_value(name, value))


def unknown_values(chosen: FindingFilter, known: KnownValues) -> Iterator[str]:
    """A sentence for each chosen value that no finding has, open or waived."""
    accounts = {a.account_id for a in known.accounts}
    for account_id in chosen.account_ids:
        if account_id not in accounts:
            yield (
                f"The account {account_id} has no findings, or it is not scanned. "
                "The page of accounts shows which accounts are."
            )
    for name, values, found in (
        ("organizational unit", chosen.ous, known.ous),
        ("region", chosen.regions, known.regions),
        ("owner", chosen.owners, (NO_OWNER, *known.owners)),
    ):
        for value in values:
            if value not in found:
                yield f"No finding has the {name} {value}. Names must be exact."
    for rule in chosen.rules:
        if not any(FindingFilter(rules=(rule,)).has_rule(text) for text in known.rules):
            yield f"No finding has a rule {rule}. The page of rules shows all rules."
    for type_ in chosen.types:
        if not any(FindingFilter(types=(type_,)).has_type(text) for text in known.types):
            yield f"No finding has a resource type like {type_}."


def _field(
    address: Address,
    name: str,
    options: Sequence[tuple[str, str]],
    *,
    is_text: bool = False,
    hint: str = "any",
) -> Field:
    value, *others = address.values(name) or ("",)
    is_text = is_text or len(options) > MAX_OPTIONS
    listed = options[:MAX_OPTIONS]
    if not is_text:
        missing = [] if not value or value in dict(listed) else [(value, value)]
        listed = [_ANY, *missing, *listed]
    return Field(name, LABELS[name], tuple(listed), value, tuple(others), is_text, hint)


def _same(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]
