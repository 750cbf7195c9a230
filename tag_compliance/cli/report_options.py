"""The options of `report`: what the report contains, its format, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import click

from tag_compliance.cli.declaration import ChoiceList, TextList, bundle, option_field
from tag_compliance.domain.severity import Severity

_SEVERITIES = [str(severity) for severity in Severity]
_FORMATS = ["csv", "jsonl", "parquet", "html", "ocsf", "junit"]
_STATES = ["open", "waived", "all"]


class SplitBy(StrEnum):
    """What each file of a report is for."""

    OWNER = "owner"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which findings the report contains. Each option except `state` may be repeated."""

    account: tuple[str, ...] = option_field(
        "TAG_COMPLIANCE_REPORT_ACCOUNT",
        "Only findings of this account (id or name).",
        type=TextList(),
        metavar="ACCOUNT",
        multiple=True,
    )
    ou: tuple[str, ...] = option_field(
        "TAG_COMPLIANCE_REPORT_OU",
        "Only accounts in this organizational unit (a path) or below it.",
        type=TextList(),
        metavar="PATH",
        multiple=True,
    )
    region: tuple[str, ...] = option_field(
        "TAG_COMPLIANCE_REPORT_REGION",
        "Only resources that were read in this region.",
        type=TextList(),
        metavar="REGION",
        multiple=True,
    )
    type: tuple[str, ...] = option_field(
        "TAG_COMPLIANCE_REPORT_TYPE",
        "Only resources of this type: a pattern as in excluded_resource_types.",
        type=TextList(),
        metavar="PATTERN",
        multiple=True,
    )
    rule: tuple[str, ...] = option_field(
        "TAG_COMPLIANCE_REPORT_RULE",
        "Only findings of this rule; * matches any characters.",
        type=TextList(),
        metavar="RULE",
        multiple=True,
    )
    severity: tuple[str, ...] = option_field(
        "TAG_COMPLIANCE_REPORT_SEVERITY",
        "Only findings of this severity.",
        type=ChoiceList(_SEVERITIES),
        multiple=True,
    )
    tag: tuple[str, ...] = option_field(
        "TAG_COMPLIANCE_REPORT_TAG",
        "Only resources with this tag.",
        type=TextList(),
        metavar="KEY=VALUE",
        multiple=True,
    )
    owner: tuple[str, ...] = option_field(
        "TAG_COMPLIANCE_REPORT_OWNER",
        "Only resources of this owner; (none): those without an owner.",
        type=TextList(),
        metavar="OWNER",
        multiple=True,
    )
    state: str = option_field(
        "TAG_COMPLIANCE_REPORT_STATE",
        "Open findings, waived ones, or all.",
        type=click.Choice(_STATES),
        default="open",
    )


@dataclass(frozen=True, slots=True)
class Destination:
    """The format of the report, and where it is written: to stdout, a file, or a folder."""

    format: str = option_field(
        "TAG_COMPLIANCE_REPORT_FORMAT",
        "The format of the report.",
        type=click.Choice(_FORMATS),
        default="csv",
    )
    output: Path | None = option_field(
        "TAG_COMPLIANCE_REPORT_OUTPUT",
        "Write the report to this file, which is replaced atomically, instead of stdout; with "
        "--split-by the folder of the files.",
        type=click.Path(readable=False, allow_dash=True, path_type=Path),
    )
    split_by: str | None = option_field(
        "TAG_COMPLIANCE_REPORT_SPLIT_BY",
        "Write a file for each owner or account into the folder --output, and index.csv.",
        type=click.Choice([split.value for split in SplitBy]),
    )
    fail_on: str | None = option_field(
        "TAG_COMPLIANCE_REPORT_FAIL_ON",
        "Exit with 4 if the report contains an open finding of this severity or a higher one.",
        type=click.Choice(_SEVERITIES),
    )


filter_options = bundle("filters", Filters)
destination_options = bundle("destination", Destination)
