"""The numbers that each surface of the program shows, all in one form.

A surface is a place where a person or a program finds the results of a scan: the metrics, the
exporter's pages, the summary on the command line, Dagster's metadata, checks and values.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence

import dagster as dg
import pandas as pd

from tag_compliance_tests.support.exposition import Exposition

Scope = str
"""`all`, an account id, or an account id and a region with a space in between."""

Figures = dict[tuple[Scope, str], float | None]
"""By scope and name: one of `NUMBERS`, or `compliance` in per cent, rounded down to one decimal;
None where the surface says that it is unknown.
"""

NUMBERS = ("returned", "excluded", "duplicates", "counted", "compliant")


def of_metrics(text: str) -> Figures:
    """Only regions; `returned` only of regions that were read, because it is of the latest scan."""
    found: Figures = {}
    samples = Exposition(text).samples
    if any(sample.labels.get("source") == "resource_explorer" for sample in samples):
        own = [s.value for s in samples if s.name == "tag_compliance_never_tagged_resources"]
        found["all", "never_tagged"] = sum(own)
        read = [s for s in samples if s.name == "tag_compliance_source_read"]
        explored = [s.value for s in read if s.labels["source"] == "resource_explorer"]
        found["all", "covered"] = sum(explored)
    for sample in samples:
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
        elif sample.name == "tag_compliance_region_resources_returned":
            found[scope, "returned"] = sample.value
    return found


def of_coverage(text: str) -> Figures:
    """The numbers of the sentence about coverage; nothing if never-tagged resources are not read.

    `never_tagged` resources, if they do not count, and the account-regions that are `covered`.
    """
    found: Figures = {}
    if match := re.search(r"not included: ([\d,]+) were found in (\d+) of \d+ account-", text):
        found = {("all", "never_tagged"): float(match[1].replace(",", ""))}
        found["all", "covered"] = float(match[2])
    elif match := re.search(r"are included for (\d+) of \d+ account-regions", text):
        found["all", "covered"] = float(match[1])
    return found


def of_html_page(html: str) -> Figures:
    """All totals; of regions only the compliant and counted resources and the compliance."""
    found = _totals({name: (value, note) for name, value, note in re.findall(_TILE, html)})
    found |= of_coverage(html)
    for account in html.split("<details ")[1:]:
        [account_id] = re.findall(r"<code>(\d{12})</code>", account)
        [(share, note)] = re.findall(_ACCOUNT_TOTAL, account)
        note = note.replace("nothing counted", "0 of 0 compliant")
        [others] = re.findall(r"<p>(\S+ returned, .* duplicates)", account)
        found |= _named(account_id, others, _NOT_COUNTED, *NUMBERS[:3])
        found |= _named(account_id, note, "(.*) of (.*) compliant", "compliant", "counted")
        found |= _named(account_id, share, "(.*)", "compliance")
        for region, *cells in re.findall(_REGION_ROW, account):
            found |= _row(f"{account_id} {region}", cells, ("compliant", "counted"))
    return found


_NOT_COUNTED = "(.*) returned, (.*) excluded, (.*) duplicates"
_TILE = r"<dt>(.*?)</dt><dd>(.*?)</dd><dd>(.*?)</dd>"
_ACCOUNT_TOTAL = r"<b>([^<]*)</b> <small>(.*?)<"
_REGION_ROW = r"<tr(?: class=\w+)?><th>([a-z0-9-]+)<td>(.*?)<td>(.*?)<td>(.*?)\n"


def of_text_page(text: str) -> Figures:
    """The totals and each region."""
    rows = [re.split(r" {2,}", line) for line in text.splitlines()]
    tiles = {row[0].rstrip(":"): (row[1], row[2]) for row in rows if row[0][-1:] == ":"}
    found = _totals(tiles) | of_coverage(text)
    for row in rows:
        if len(row) == 11 and row[0] != "account":
            found |= _row(f"{row[1]} {row[2]}", row[4:10])
    return found


def _totals(tiles: Mapping[str, tuple[str, str]]) -> Figures:
    share, note = tiles["Compliance"]
    counted, others = tiles["Resources counted"]
    return (
        _named("all", note, "(.*) of (.*) compliant", "compliant", "counted")
        | _named("all", counted, "(.*)", "counted")
        | _named("all", others, _NOT_COUNTED, *NUMBERS[:3])
        | _named("all", share, "(.*)", "compliance")
    )


def _named(scope: Scope, text: str, pattern: str, *names: str) -> Figures:
    match = re.fullmatch(pattern, text)
    assert match, f"{text} does not match {pattern}"
    return {(scope, n): _number(v) for n, v in zip(names, match.groups(), strict=True)}


def _row(scope: Scope, cells: list[str], names: Sequence[str] = NUMBERS) -> Figures:
    """Nothing for a region that does not count: all its cells are dashes."""
    values = [_number(cell) for cell in cells]
    if values[0] is None:
        assert set(values) == {None}
        return {}
    return {(scope, name): v for name, v in zip((*names, "compliance"), values, strict=True)}


def _number(text: str) -> float | None:
    if text == "–":
        return None
    return float(re.sub(r"[\s%]", "", text))


def of_summary(stderr: str) -> Figures:
    """What `scan` prints for people: all totals, and of each account counted and compliance."""
    line, share = re.findall(r"^(.+ compliant|.+ have every required tag)$", stderr, re.MULTILINE)
    pattern = (
        "(.*) resources returned, (.*) excluded, (.*) duplicates, (.*) counted, (.*) compliant"
    )
    found = _named("all", line, pattern, *NUMBERS)
    found |= _named("all", share, "(.*) have every required tag", "compliance")
    found |= of_coverage(stderr)
    row = r"^  (\d{12})  \S+ +(?:(\d+) +(–|[\d.]+ %)  )?\S"
    for account_id, counted, share in re.findall(row, stderr, re.MULTILINE):
        found[account_id, "counted"] = float(counted or 0)
        found[account_id, "compliance"] = _number(share or "–")
    return found


def of_metadata(scope: Scope, metadata: Mapping[str, dg.MetadataValue]) -> Figures:
    """The metadata of a materialization; without a percentage it is unknown."""
    found: Figures = {(scope, name): float(_value(metadata[name])) for name in NUMBERS}
    share = metadata.get("compliance_percentage")
    found[scope, "compliance"] = None if share is None else float(_value(share))
    assert _value(metadata["dagster/row_count"]) == found[scope, "counted"]
    return found


def of_partition(account_id: str, metadata: Mapping[str, dg.MetadataValue]) -> Figures:
    """The metadata of an account's partition; without numbers if nothing of it was read."""
    if "resources" not in metadata:
        return {}
    share = metadata.get("compliance_percentage")
    return {
        (account_id, "counted"): float(_value(metadata["resources"])),
        (account_id, "compliance"): None if share is None else float(_value(share)),
    }


def of_accounts_table(metadata: Mapping[str, dg.MetadataValue]) -> Figures:
    """The table `accounts` in the metadata of `compliance_results`, and its coverage."""
    coverage = of_coverage(str(metadata["coverage"].value))
    return coverage | _table(metadata, {name: name for name in NUMBERS})


def _table(metadata: Mapping[str, dg.MetadataValue], names: Mapping[str, str]) -> Figures:
    """The table `accounts`; `names` are those of the figures, by column."""
    table = metadata["accounts"]
    assert isinstance(table, dg.TableMetadataValue)
    return {
        (str(record.data["account_id"]), name): float(str(record.data[column]))
        for record in table.records
        for column, name in names.items()
    }


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
    return {("all", "compliance"): share} | of_coverage(evaluation.description)


def of_check_by_account(evaluation: dg.AssetCheckEvaluation) -> Figures:
    """The accounts below the minimum."""
    return _table(evaluation.metadata, {"compliance_percentage": "compliance"})


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
