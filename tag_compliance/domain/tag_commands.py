"""The `aws` commands that would fix the findings of one resource. They are printed, never run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence

from tag_compliance.domain.report_row import ReportRow

_TAG_API = "aws resourcegroupstaggingapi"
_VALUE = "VALUE"
"""Stands for a value that a person chooses."""

_FORBIDDEN = "forbidden_key"


def fixing_commands(findings: Sequence[ReportRow]) -> list[str]:
    """Commands that set the tags that are missing or wrong, and remove the forbidden ones.

    The findings are those of one resource. Of the keys that a rule accepts, the first is used. A
    key in a wrong spelling stays: people may still use it.
    """
    wrong = [f.tag.split("|")[0] for f in findings if set(f.codes) - {_FORBIDDEN}]
    forbidden = [key for f in findings if _FORBIDDEN in f.codes for key in f.tag.split("|")]
    if not findings:
        return []
    row, commands = findings[0], []
    if wrong:
        tags = json.dumps(dict.fromkeys(sorted(set(wrong)), _VALUE), ensure_ascii=False)
        commands.append(_set_tags(row, tags))
    if forbidden:
        commands.append(_remove_tags(row, sorted(set(forbidden))))
    return commands


def _set_tags(row: ReportRow, tags: str) -> str:
    if role_or_user := _iam_name(row):
        kind, name = role_or_user
        pairs = [{"Key": key, "Value": value} for key, value in json.loads(tags).items()]
        text = json.dumps(pairs, ensure_ascii=False)
        return _line(f"aws iam tag-{kind}", f"--{kind}-name", name, "--tags", text)
    words = ("--resource-arn-list", row.arn, "--tags", tags, "--region", row.region)
    return _line(f"{_TAG_API} tag-resources", *words)


def _remove_tags(row: ReportRow, keys: Iterable[str]) -> str:
    if role_or_user := _iam_name(row):
        kind, name = role_or_user
        return _line(f"aws iam untag-{kind}", f"--{kind}-name", name, "--tag-keys", *keys)
    words = ("--resource-arn-list", row.arn, "--tag-keys", *keys, "--region", row.region)
    return _line(f"{_TAG_API} untag-resources", *words)


def _iam_name(row: ReportRow) -> tuple[str, str] | None:
    """The kind and the name of a role or user: the tagging API cannot tag them."""
    kind = {"iam:role": "role", "iam:user": "user"}.get(row.resource_type)
    return (kind, row.arn.rpartition("/")[2]) if kind else None


def _line(command: str, *words: str) -> str:
    return " ".join([command, *map(shlex.quote, words)])
