"""Reads tag policies, as people write them or as AWS returns them, or finds all their faults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tag_compliance.config.tag_policy import (
    MOST_CHARACTERS,
    RESOURCE_TYPE,
    RULE_OF_TYPE,
    TagPolicy,
    TagStatement,
)
from tag_compliance.config.tag_policy_operators import (
    APPEND,
    ASSIGN,
    CHILD_CONTROL,
    CONTROLS,
    REMOVE,
    VALUE_OPERATORS,
    PolicyMerger,
    has_operators,
)
from tag_compliance.errors import BadConfiguration, Fault

_MOST_BYTES = 1_000_000
_MOST_CHARACTERS_OF_KEY, _MOST_CHARACTERS_OF_VALUE = 128, 256
_TYPES = {"enforced_for", "report_required_tag_for"}
_SETTINGS = {"tag_key", "tag_value", *_TYPES}
"""Those of a statement; all but `tag_key` are lists."""

_NOT_JSON = "is not a tag policy: it must be a JSON object with the key tags"


@dataclass(frozen=True)
class RequiredTags:
    """What ListRequiredTags returns: for each type the tag keys that are required."""

    keys_by_type: Mapping[str, tuple[str, ...]]

    def types_of(self, service: str, tag_key: str) -> tuple[str, ...]:
        """The types of a service for which a key is required, upper and lower case aside."""
        return tuple(
            resource_type
            for resource_type, keys in self.keys_by_type.items()
            if resource_type.partition(":")[0] == service
            and tag_key.lower() in {key.lower() for key in keys}
        )


@dataclass(frozen=True)
class ReadTagPolicy:
    """A policy and the required tags, if they are known; `notes` say what was not taken over."""

    policy: TagPolicy
    required: RequiredTags | None = None
    notes: tuple[str, ...] = ()


def read_documents(files: Iterable[Path]) -> ReadTagPolicy:
    """Merges the documents in their order, each the child of those before it.

    A file contains a tag policy, an effective one, or what the AWS command line prints of one of
    them or of list-required-tags. Raises `BadConfiguration` with all faults of all files.
    """
    reader = TagPolicyReader()
    for path in files:
        reader.read_file(path)
    return reader.result()


@dataclass
class TagPolicyReader:
    """Collects documents, notes and faults."""

    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _required: dict[str, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        self._merger = PolicyMerger(self.notes.append)

    def read_file(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                self._fault(str(path), "", None, f"is larger than {_MOST_BYTES:,} bytes")
                return
            text = data.decode("utf-8-sig")
        except OSError as error:
            self._fault(str(path), "", None, f"cannot be read: {error.strerror or error}")
        except UnicodeDecodeError:
            self._fault(str(path), "", None, "is not UTF-8 text")
        else:
            self.read_text(str(path), text)

    def read_text(self, name: str, text: str) -> None:
        """`name` is that of the document in messages."""
        content = self._parsed(name, text)
        for outer, inner in (("EffectivePolicy", "PolicyContent"), ("Policy", "Content")):
            wrapped = content.get(outer) if isinstance(content, dict) else None
            if isinstance(wrapped, dict) and isinstance(wrapped.get(inner), str):
                text = wrapped[inner]
                content = self._parsed(f"{name}: {outer}.{inner}", text)
        if content is None:
            return
        if isinstance(content, dict) and isinstance(content.get("RequiredTags"), list):
            self.add_required(name, content["RequiredTags"])
            return
        if not isinstance(content, dict) or not isinstance(content.get("tags"), dict):
            self._fault(name, "", None, _NOT_JSON)
            return
        for key in content.keys() - {"tags"}:
            self.notes.append(f"{name}: {key}: not imported: only tags is known")
        self._add(name, content)

    def add_required(self, name: str, entries: Iterable[Any]) -> None:
        """The entries of ListRequiredTags."""
        self._required = self._required or {}
        for index, entry in enumerate(entries):
            kind = entry.get("ResourceType") if isinstance(entry, dict) else None
            keys = entry.get("ReportingTagKeys") if isinstance(entry, dict) else None
            valid = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
            if not isinstance(kind, str) or not RESOURCE_TYPE.fullmatch(kind) or not valid:
                rule = "must have ResourceType, such as ec2:instance, and ReportingTagKeys"
                self._fault(name, f"RequiredTags[{index}]", None, rule)
            else:
                self._required[kind] = (*self._required.get(kind, ()), *(keys or ()))

    def result(self) -> ReadTagPolicy:
        """Raises `BadConfiguration` with all faults."""
        if self.faults:
            raise BadConfiguration(tuple(self.faults))
        merged = self._merger.effective()
        policy = TagPolicy(tuple(_statement(key, found) for key, found in merged.items()))
        required = None if self._required is None else RequiredTags(self._required)
        return ReadTagPolicy(policy, required, tuple(self.notes))

    def _parsed(self, name: str, text: str) -> Any:
        try:
            return json.loads(text, object_pairs_hook=self._without_repeated(name))
        except (ValueError, RecursionError) as error:
            self._fault(name, "", None, f"is not valid JSON: {error}")
            return None

    def _without_repeated(self, name: str) -> Any:
        def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            found = dict(pairs)
            if len(found) < len(pairs):
                keys = [key for key, _ in pairs]
                repeated = next(key for key in keys if keys.count(key) > 1)
                self._fault(name, repeated, None, "duplicate key")
            return found

        return mapping

    def _add(self, name: str, content: dict[str, Any]) -> None:
        tags, before = content["tags"], len(self.faults)
        characters = len(json.dumps(content, separators=(",", ":"), ensure_ascii=False))
        if has_operators(tags) and characters > MOST_CHARACTERS:
            rule = f"has {characters:,} characters; AWS allows {MOST_CHARACTERS:,}"
            self._fault(name, "", None, rule)
        for place, value, rule in _faults_of(tags):
            self._fault(name, f"tags.{place}", value, rule)
        if len(self.faults) == before:
            self._merger.add(name, self._known(name, tags))

    def _known(self, name: str, tags: dict[str, Any]) -> dict[str, Any]:
        """The content without the settings that this program does not know."""
        found: dict[str, Any] = {}
        for key, content in tags.items():
            found[key] = content
            if key.startswith("@@"):
                continue
            known = {s: v for s, v in content.items() if _is_known(s)}
            unknown = content.keys() - known
            self.notes += [
                f"{name}: tags.{key}.{setting}: not imported: this setting is not known"
                for setting in sorted(unknown)
            ]
            found[key] = known
        return found

    def _fault(self, source: str, key: str, value: object, rule: str) -> None:
        self.faults.append(Fault(source, key, value, rule))


def _is_known(setting: str) -> bool:
    return setting in _SETTINGS or setting == CHILD_CONTROL


def _statement(policy_key: str, found: Mapping[str, Any]) -> TagStatement:
    values = found.get("tag_value")
    return TagStatement(
        policy_key,
        found.get("tag_key"),
        None if values is None else tuple(values),
        tuple(found.get("report_required_tag_for", ())),
        tuple(found.get("enforced_for", ())),
    )


_Faults = Iterator[tuple[str, object, str]]
"""Where a fault is, the value, and what is allowed."""


def _faults_of(tags: dict[str, Any]) -> _Faults:
    seen: dict[str, str] = {}
    for key, content in tags.items():
        if key == CHILD_CONTROL:
            yield from _faults_of_control(key, content)
        elif key.startswith("@@"):
            yield key, None, f"unknown operator; known is {CHILD_CONTROL}"
        elif not isinstance(content, dict):
            yield key, None, "must be an object"
        else:
            yield from _faults_of_text(key, key, _MOST_CHARACTERS_OF_KEY)
            if "*" in key:
                yield key, None, "a tag key has no *"
            first = seen.setdefault(key.lower(), key)
            if first != key:
                rule = f"differs from {first} only in upper and lower case: write one statement"
                yield key, None, rule
            yield from _faults_of_statement(key, content)


def _faults_of_statement(key: str, content: dict[str, Any]) -> _Faults:
    for name, value in content.items():
        place = f"{key}.{name}"
        if name == CHILD_CONTROL:
            yield from _faults_of_control(place, value)
        elif name.startswith("@@"):
            yield place, None, f"unknown operator; known is {CHILD_CONTROL}"
        elif name in _SETTINGS:
            operators = value if isinstance(value, dict) else {"": value}
            for operator, given in operators.items():
                where = f"{place}.{operator}" if operator else place
                yield from _faults_of_operator(where, name, operator, given)
    spelled = content.get("tag_key")
    named = spelled.get(ASSIGN) if isinstance(spelled, dict) else spelled
    if isinstance(named, str) and named.lower() != key.lower():
        rule = f"must be equal to the policy key {key}, upper and lower case aside"
        yield f"{key}.tag_key", named, rule


def _faults_of_operator(place: str, name: str, operator: str, given: Any) -> _Faults:
    if operator == CHILD_CONTROL:
        yield from _faults_of_control(place, given)
    elif operator and operator not in VALUE_OPERATORS:
        yield place, None, f"unknown operator; known are {', '.join(VALUE_OPERATORS)}"
    elif name == "tag_key":
        if operator in {APPEND, REMOVE}:
            yield place, None, f"a single value has only {ASSIGN}"
        elif not isinstance(given, str):
            yield place, given, "must be text"
        else:
            yield from _faults_of_text(place, given, _MOST_CHARACTERS_OF_KEY)
    elif not isinstance(given, list):
        yield place, given, "must be a list of texts"
    else:
        for index, text in enumerate(given):
            yield from _faults_of_entry(f"{place}[{index}]", name, text)


def _faults_of_entry(place: str, name: str, text: Any) -> _Faults:
    if not isinstance(text, str):
        yield place, text, "must be text"
    elif name in _TYPES:
        if not RESOURCE_TYPE.fullmatch(text):
            yield place, text, RULE_OF_TYPE
    else:
        yield from _faults_of_text(place, text, _MOST_CHARACTERS_OF_VALUE, least=0)
        if text.count("*") > 1:
            yield place, text, "AWS allows one * in a value"


def _faults_of_text(place: str, text: str, most: int, least: int = 1) -> _Faults:
    if not least <= len(text) <= most:
        yield place, text, f"must have {least} to {most} characters"
    elif re.search("[\0\ud800-\udfff]", text):
        yield place, text, "must not contain NUL or half of a surrogate pair"


def _faults_of_control(place: str, value: Any) -> _Faults:
    named = value if isinstance(value, list) else [value]
    for text in named:
        if text not in CONTROLS:
            yield place, text, f"must be a list of {', '.join(CONTROLS)}"
