"""The `aws` commands that would fix the findings of one resource. They are printed, never run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.domain.rule_keys import RuleKeys
from tag_compliance.domain.tag_changes import IsWrong, changes_of

_TAG_API = "aws resourcegroupstaggingapi"


@dataclass(frozen=True, slots=True)
class Fix:
    """Commands, and in words what a person has to decide or do."""

    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def fix_of(
    findings: Sequence[ReportRow],
    rules: Mapping[str, RuleKeys],
    is_wrong: IsWrong | None = None,
) -> Fix:
    """What fixes the findings of one resource; `rules` are by id, see `changes_of`."""
    if not findings:
        return Fix()
    row, changes = findings[0], changes_of(findings, rules, is_wrong)
    commands = []
    if changes.to_set:
        commands.append(_set_tags(row, json.dumps(changes.to_set, ensure_ascii=False)))
    if changes.remove:
        commands.append(_remove_tags(row, sorted(changes.remove)))
    # The keys of roles and users do not differ by letter case:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    ordered = reversed(commands) if _iam_name(row) else commands
    return Fix(tuple(ordered), changes.notes)


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
