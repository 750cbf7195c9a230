"""The numbers that each surface of the program shows, all in one form.

A surface is a place where a person or a program finds the results of a scan: the metrics, the
exporter's pages, the summary on the command line, Dagster's metadata, checks and values.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator, Mapping

import dagster as dg
import pandas as pd

from tag_compliance_tests.support.exposition import Exposition

Scope = str
"""`all`, an account id, or an account id and a region with a space in between."""

Figures = dict[tuple[Scope, str], float | None]
"""By scope and name: `returned`, `excluded`, `counted`, `compliant`, or `compliance` in per cent,
rounded down to one decimal; None where the surface says that it is unknown.
"""

_FOUR = ("returned", "excluded", "counted", "compliant")


def of_metrics(text: str) -> Figures:
    """Only regions; `returned` only of regions that were read, because it is of the latest scan."""
    found: Figures = {}
    read = set()
    for sample in Exposition(text).samples:
        labels = sample.labels
        scope = f"{labels.get('account_id')} {labels.get('region')}"
        if sample.name == "resources_scanned_total":
            found[scope, "counted"] = sample.value
            found.setdefault((scope, "excluded"), 0)
            found.setdefault((scope, "compliance"), None)
        elif sample.name == "resources_fully_compliant_total":
            found[scope, "compliant"] = sample.value
        elif sample.name == "compliance_percentage":
            found[scope, "compliance"] = math.floor(round(sample.value * 10, 6)) / 10
        elif sample.name == "tag_compliance_excluded_resources":
            found[scope, "excluded"] = (found.get((scope, "excluded")) or 0) + sample.value
        elif sample.name == "tag_compliance_region_scan_success" and sample.value == 1:
            read.add(scope)
        elif sample.name == "tag_compliance_region_resources_returned":
            found[scope, "returned"] = sample.value
    return {
        (scope, name): value
        for (scope, name), value in found.items()
        if name != "returned" or scope in read
    }


def of_html_page(html: str) -> Figures:
    """Everything; an account has no excluded and returned resources there."""
    tiles = {name: (value, note) for name, value, note in re.findall(_TILE, html)}
    found: Figures = dict(_totals(tiles))
    for account in html.split('<details class="account')[1:]:
        [account_id] = re.findall(r"<code>(\d{12})</code>", account)
        [(share, note)] = re.findall(_ACCOUNT_TOTAL, account)
        compliant, counted = ("0", "0") if note == "nothing counted" else note.split(" of ")
        found[account_id, "compliance"] = _number(share)
        found[account_id, "compliant"] = _number(compliant)
        found[account_id, "counted"] = _number(counted.removesuffix(" compliant"))
        for region, cells in re.findall(_REGION_ROW, account, re.DOTALL):
            numbers = re.findall(r'<td class="number[^"]*"[^>]*>(.*?)</td>', cells)
            found |= _row(f"{account_id} {region}", numbers)
    return found


_TILE = r"<dt>(.*?)</dt><dd>(.*?)</dd><dd>(.*?)</dd>"
_ACCOUNT_TOTAL = r'class="total">(.*?)<small>(.*?)<'
_REGION_ROW = r'<tr>\s*<th scope="row">([a-z0-9-]+)</th>(.*?)</tr>'


def of_text_page(text: str) -> Figures:
    """The totals and each region."""
    rows = [re.split(r" {2,}", line) for line in text.splitlines()]
    tiles = {row[0].rstrip(":"): (row[1], row[2]) for row in rows if row[0][-1:] == ":"}
    found: Figures = dict(_totals(tiles))
    for row in rows:
        if len(row) == 10 and row[0] != "account":
            found |= _row(f"{row[1]} {row[2]}", row[4:9])
    return found


def _totals(
    tiles: Mapping[str, tuple[str, str]],
) -> Iterator[tuple[tuple[Scope, str], float | None]]:
    share, note = tiles["Compliance"]
    yield from _named(note, r"(.*) of (.*) compliant", "compliant", "counted")
    counted, others = tiles["Resources counted"]
    yield from _named(counted, "(.*)", "counted")
    yield from _named(others, "(.*) returned, (.*) excluded", "returned", "excluded")
    yield from _named(share, "(.*)", "compliance")


def _named(
    text: str, pattern: str, *names: str
) -> Iterator[tuple[tuple[Scope, str], float | None]]:
    match = re.fullmatch(pattern, text)
    assert match, f"{text} is not {pattern}"
    for name, value in zip(names, match.groups(), strict=True):
        number = _number(value)
        assert number is not None
        yield ("all", name), number


def _row(scope: Scope, cells: list[str]) -> Figures:
    """Nothing for a region that does not count: all its cells are dashes."""
    values = [_number(cell) for cell in cells]
    if values[0] is None:
        assert set(values) == {None}
        return {}
    return {(scope, name): v for name, v in zip((*_FOUR, "compliance"), values, strict=True)}


def _number(text: str) -> float | None:
    if text == "–":
        return None
    return float(re.sub(r"[\s%]", "", text))


def of_summary(stderr: str) -> Figures:
    """What `scan` prints for people: all totals, and of each account counted and compliance."""
    found: Figures = {}
    four = re.search(
        r"^(\d+) resources returned, (\d+) excluded, (\d+) counted, (\d+) compliant$",
        stderr,
        re.MULTILINE,
    )
    assert four, stderr
    found |= {("all", name): float(v) for name, v in zip(_FOUR, four.groups(), strict=True)}
    share = re.search(r"^(.+) have every required tag$", stderr, re.MULTILINE)
    assert share, stderr
    found["all", "compliance"] = _number(share[1])
    for account_id, counted, share_ in re.findall(
        r"^  (\d{12})  .*? +(\d+) +(–|[\d.]+ %)  \S", stderr, re.MULTILINE
    ):
        found[account_id, "counted"] = float(counted)
        found[account_id, "compliance"] = _number(share_)
    return found


def of_metadata(scope: Scope, metadata: Mapping[str, dg.MetadataValue]) -> Figures:
    """The metadata of a materialization; without a percentage it is unknown."""
    found: Figures = {(scope, name): float(_value(metadata[name])) for name in _FOUR}
    share = metadata.get("compliance_percentage")
    found[scope, "compliance"] = None if share is None else float(_value(share))
    assert _value(metadata["dagster/row_count"]) == found[scope, "counted"]
    return found


def of_accounts_table(metadata: Mapping[str, dg.MetadataValue]) -> Figures:
    """The table `accounts` in the metadata of `compliance_results`."""
    table = metadata["accounts"]
    assert isinstance(table, dg.TableMetadataValue)
    rows = [record.data for record in table.records]
    return {(str(r["account_id"]), name): float(str(r[name])) for r in rows for name in _FOUR}


def of_chart(markdown: str, ids: Mapping[str, str]) -> Figures:
    """The percentage of each account in the chart of `metric_snapshot`; `ids` by name."""
    [data] = re.findall(r"base64,([^)]+)\)", markdown)
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", base64.b64decode(data).decode())
    shares = zip(texts[::2], texts[1::2], strict=True)
    return {(ids[name], "compliance"): _number(share) for name, share in shares}


def of_check(evaluation: dg.AssetCheckEvaluation) -> Figures:
    """The check on the compliance of all accounts: its metadata, and its text in agreement."""
    assert evaluation.description
    share = float(_value(evaluation.metadata["compliance_percentage"]))
    assert evaluation.description.startswith(f"{share:.1f} % ")
    return {("all", "compliance"): share}


def of_check_by_account(evaluation: dg.AssetCheckEvaluation) -> Figures:
    """The accounts below the minimum."""
    table = evaluation.metadata["accounts"]
    assert isinstance(table, dg.TableMetadataValue)
    rows = [record.data for record in table.records]
    return {
        (str(r["account_id"]), "compliance"): float(str(r["compliance_percentage"])) for r in rows
    }


def of_frame(frame: pd.DataFrame) -> Figures:
    """What a downstream asset computes: the rows and the compliant ones, by region."""
    found: Figures = {("all", "counted"): len(frame)}
    found["all", "compliant"] = int(frame["compliant"].sum())
    grouped = frame.groupby(["account_id", "region"], observed=True)["compliant"]
    for (account_id, region), rows in grouped:
        found[f"{account_id} {region}", "counted"] = len(rows)
        found[f"{account_id} {region}", "compliant"] = int(rows.sum())
    return found


def _value(value: dg.MetadataValue) -> float:
    number = value.value
    assert isinstance(number, int | float)
    return number
