"""The parameters of a request for findings, the same for pages, downloads and API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tag_compliance.domain.report_filter import ALL_STATES, FindingFilter
from tag_compliance.domain.severity import Severity
from tag_compliance.errors import BadParameters, ParameterFault
from tag_compliance.exporter.findings_queries import MAX_PAGE, REPORT_ORDER, SORT_ORDERS
from tag_compliance.exporter.findings_values import STATES

STATE_CHOICES = (*STATES, ALL_STATES)
SEVERITIES = tuple(str(severity) for severity in reversed(Severity))
SORTS = (*SORT_ORDERS, *(f"-{name}" for name in SORT_ORDERS))

FILTERS = ("account", "ou", "region", "type", "rule", "severity", "owner", "tag", "state", "q")
"""What chooses findings, as `report` names it; `q` is the search."""

PAGING = ("sort", "limit", "cursor")
"""What chooses a page of them."""

ONCE = frozenset({"state", "q", "arn", *PAGING})
"""The parameters that cannot be repeated."""

MAX_VALUES = 100
"""Of all parameters together: SQLite limits the depth of an expression."""

_ACCOUNT_DIGITS = 12
_ALLOWED = {"severity": SEVERITIES, "state": STATE_CHOICES, "sort": SORTS}
_NO_VALUES = "the configuration has report_values: false, so values of tags cannot be searched for"

Given = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class FindingsRequest:
    """The findings that a request asks for, their order, and the page."""

    chosen: FindingFilter
    search: str = ""
    sort: str = REPORT_ORDER
    limit: int = 50
    cursor: str | None = None


def parse_findings(
    pairs: Iterable[tuple[str, str]],
    *,
    shows_values: bool,
    names: Iterable[str] = (*FILTERS, *PAGING),
    default_limit: int = 50,
) -> FindingsRequest:
    """Parses the pairs of a query string. Other parameters than `names` are faults.

    `shows_values` is that of the database: without values, none can be searched for. Raises
    `BadParameters` with all faults; an empty value is one, so a page leaves out empty fields of its
    form first.
    """
    given = parse(pairs, names=names, shows_values=shows_values)
    return FindingsRequest(
        _filter(given),
        search=_search(_first(given, "q", "")),
        sort=_first(given, "sort", REPORT_ORDER),
        limit=int(_first(given, "limit", str(default_limit))),
        cursor=_first(given, "cursor", "") or None,
    )


def _search(text: str) -> str:
    """Without the spaces around it, which come with a text that a person copies."""
    return text.strip() or text


def parse(
    pairs: Iterable[tuple[str, str]],
    *,
    names: Iterable[str],
    required: Iterable[str] = (),
    shows_values: bool = True,
) -> Given:
    """The values of each parameter. Raises `BadParameters` with all faults."""
    given = defaultdict[str, list[str]](list)
    for name, value in pairs:
        given[name].append(value)
    faults = [*_faults(given, tuple(names), shows_values=shows_values)]
    faults += [
        ParameterFault(n, "", "this parameter is required") for n in required if n not in given
    ]
    if faults:
        raise BadParameters(tuple(faults))
    return given


def _filter(given: Given) -> FindingFilter:
    def values(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(given.get(name, ())))

    return FindingFilter(
        account_ids=values("account"),
        ous=values("ou"),
        regions=values("region"),
        types=values("type"),
        rules=values("rule"),
        severities=values("severity"),
        tags=tuple(_pair(text) for text in values("tag")),
        owners=values("owner"),
        state=_first(given, "state", "open"),
    )


def _faults(
    given: Given, names: tuple[str, ...], *, shows_values: bool
) -> Iterator[ParameterFault]:
    for name, values in given.items():
        if name not in names:
            known = f"must be one of {', '.join(names)}" if names else "there are none here"
            yield ParameterFault(name, values[0], f"unknown parameter; {known}")
            continue
        if name in ONCE and len(values) > 1:
            yield ParameterFault(name, values[1], "must be given once")
        for value in values:
            if "\0" in value:  # SQLite's LIKE would compare only what is before it
                yield ParameterFault(name, value, "must not contain the character NUL")
            elif rule := _broken_rule(name, value):
                yield ParameterFault(name, value, rule)
            elif name == "tag" and not shows_values:
                yield ParameterFault(name, value, _NO_VALUES)
    if (count := sum(map(len, given.values()))) > MAX_VALUES:
        yield ParameterFault("", str(count), f"a request has at most {MAX_VALUES} parameters")


def _broken_rule(name: str, value: str) -> str | None:
    allowed = _ALLOWED.get(name, ())
    if not value:
        return "must not be empty"
    if allowed and value not in allowed:
        return f"must be one of {', '.join(allowed)}"
    if name == "account" and not (_is_number(value) and len(value) == _ACCOUNT_DIGITS):
        return "must be an account id: 12 digits"
    if name == "limit" and not (_is_number(value) and 1 <= int(value) <= MAX_PAGE):
        return f"must be 1 to {MAX_PAGE}"
    if name == "tag" and not _pair(value)[0]:
        return "must be KEY=VALUE"
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _ACCOUNT_DIGITS


def _first(given: Given, name: str, default: str) -> str:
    return given[name][0] if given.get(name) else default


def _pair(text: str) -> tuple[str, str]:
    """The key is empty if the text is not KEY=VALUE."""
    key, separator, value = text.partition("=")
    return (key, value) if separator else ("", value)
