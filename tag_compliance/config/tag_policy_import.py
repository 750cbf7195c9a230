"""From an AWS tag policy to the rules of a policy file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tag_compliance.config.tag_policy import ALL_SUPPORTED, TagStatement
from tag_compliance.config.tag_policy_document import ReadTagPolicy
from tag_compliance.logs import on_one_line

_MOST_ID_CHARACTERS = 64
_PREFIX = "tag-policy-"

Entry = dict[str, Any]
"""A rule as the mapping of a policy file."""


@dataclass
class ImportedRules:
    """The rules, and a sentence about each thing that they do not express as AWS does."""

    rules: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_yaml(self, source: str) -> str:
        """A policy file; `source` says where the tag policy comes from. The notes are comments."""
        comments = [
            f"Rules of an AWS tag policy, imported from {source}.",
            "They apply to every account that is scanned; limit a rule with only: {accounts: …}.",
            *(["Not imported, or different from AWS:"] if self.notes else []),
            *(f"- {note}" for note in self.notes),
        ]
        head = "".join(f"# {on_one_line(comment)}\n" for comment in comments)
        body = yaml.safe_dump(
            {"version": 1, "rules": self.rules},
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=100,
        )
        return head + body


def import_rules(read: ReadTagPolicy) -> ImportedRules:
    """Up to two rules for each statement: about the key and its values, and about presence."""
    found = ImportedRules(notes=list(read.notes))
    ids = set[str]()
    for statement in read.policy.statements:
        types = _types_of(statement, read, found.notes)
        for suffix, rule in _rules_of(statement, types):
            found.rules.append({"id": _id_of(statement, suffix, ids), **rule})
        if statement.enforced_for:
            found.notes.append(
                f"{statement.policy_key}: enforced_for: it is kept for `policy export`; this "
                "program reports, and never blocks an operation"
            )
    found.notes += _unexplained(read)
    return found


def _rules_of(statement: TagStatement, types: Iterable[str]) -> Iterator[tuple[str, Entry]]:
    types, any_case = list(types), statement.tag_key is None
    key = statement.expected_key
    if types and any_case and statement.values is None:
        key = statement.policy_key  # its upper and lower case do not matter then
    kept = _kept(statement, key)
    if statement.values == ():
        title = f"No resource has the tag {key}"
        yield "", {"title": title, "tag": key, "key_case": "any", "forbidden": True, **kept}
        kept = {}
    elif statement.values is not None:
        title = f"The key is written {key}, with a value of the tag policy"
        values = {"values": list(statement.values)}
        yield "", {"title": title, "tag": key, "key_case": "exact", **values, **kept}
        kept = {}
    elif not any_case or not types:
        title = f"The key is written {key}"
        yield "", {"title": title, "tag": key, "key_case": "exact", **kept}
        kept = {}
    if types:
        rule = {"title": f"The tag {key} is present", "tag": key}
        if any_case:
            rule["key_case"] = "any"
        yield "-required", {**rule, "required": True, "only": {"types": types}, **kept}


def _kept(statement: TagStatement, key: str) -> Entry:
    """What has no effect, for the way back."""
    aws: Entry = {}
    if statement.policy_key != key:
        aws["policy_key"] = statement.policy_key
    if statement.enforced_for:
        aws["enforced_for"] = list(statement.enforced_for)
    return {"aws": aws} if aws else {}


def _types_of(statement: TagStatement, read: ReadTagPolicy, notes: list[str]) -> list[str]:
    """The types for which the tag is required; ALL_SUPPORTED is replaced."""
    found: list[str] = []
    for text in statement.required_for:
        service, _, kind = text.partition(":")
        if kind not in {ALL_SUPPORTED, "*"}:
            found.append(text)
            continue
        known = read.required.types_of(service, statement.expected_key) if read.required else ()
        found += known or [f"{service}:*"]
        if not known:
            notes.append(
                f"{statement.policy_key}: report_required_tag_for {text}: imported as {service}:*, "
                "every type of the service that is read, also one that tag policies do not support"
            )
    return list(dict.fromkeys(found))


def _unexplained(read: ReadTagPolicy) -> Iterator[str]:
    """What ListRequiredTags returned about keys that the policy does not require."""
    stated = {s.expected_key.lower() for s in read.policy.statements if s.required_for}
    for resource_type, keys in (read.required.keys_by_type if read.required else {}).items():
        for key in keys:
            if key.lower() not in stated:
                yield (
                    f"ListRequiredTags: {key} is required for {resource_type}, but the tag policy "
                    "does not say so: not imported"
                )


def _id_of(statement: TagStatement, suffix: str, ids: set[str]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", statement.expected_key.lower()).strip("-") or "key"
    room = _MOST_ID_CHARACTERS - len(_PREFIX) - len(suffix)
    number, found = 1, f"{_PREFIX}{slug[:room]}{suffix}"
    while found in ids:
        number += 1
        distinct = f"-{number}"
        found = f"{_PREFIX}{slug[: room - len(distinct)]}{distinct}{suffix}"
    ids.add(found)
    return found
