"""Loads the policy from its files, or finds all faults of all of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import yaml
from pydantic import ValidationError

from tag_compliance.config.base_model import Model
from tag_compliance.config.messages import distinct_errors, suggestion
from tag_compliance.config.policy_faults import (
    PlacedFault,
    faults_of_rule,
    faults_of_waiver,
    keys_meant_by,
    rule_of_error,
)
from tag_compliance.config.policy_model import (
    LoadedFile,
    LoadedPolicy,
    PolicyDefaults,
    PolicyFile,
    PolicyRule,
    PolicyWaiver,
)
from tag_compliance.config.yaml_file import Place, YamlFile, read_yaml_file
from tag_compliance.errors import BadConfiguration, Fault

_MAX_FILES = 1_000
_MAX_PATH_CHARACTERS = 4_096
_MISSING = "no such file"
_KIND = "tag:yaml.org,2002:"

_NEEDED: dict[type[Model], dict[str, Any]] = {
    PolicyRule: {"id": "x"},
    PolicyWaiver: {
        "id": "x",
        "rules": ["x"],
        "match": {"arns": ["x"]},
        "reason": "ten letters",
        "owner": "x",
        "expires": "2000-01-01",
    },
}
"""The keys that an entry needs, with values that cause no fault."""

M = TypeVar("M", bound=Model)


def paths_of(value: object, folder: Path, source: str) -> tuple[list[Path], list[Fault]]:
    """The files that the key `policy` names: a path or a glob relative to `folder`, or a list.

    Each file once, in the order of the list; the files of a glob in the order of their names.
    """
    entries = value if isinstance(value, list) else [value]
    paths: dict[str, Path] = {}
    faults = []
    for index, entry in enumerate(entries):
        key = f"policy[{index}]" if isinstance(value, list) else "policy"
        if not _is_path(entry):
            faults.append(Fault(source, key, entry, "must be a path or a glob, or a list of them"))
            continue
        found = _expanded(entry, folder)
        if not found:
            rule = "no such file; a path is relative to the folder of this file"
            faults.append(Fault(source, key, entry, rule))
        for path in found:
            paths.setdefault(os.path.realpath(path), path)
    if len(paths) > _MAX_FILES:
        rule = f"matches {len(paths):,} files; at most {_MAX_FILES:,} are allowed"
        return [], [*faults, Fault(source, "policy", value, rule)]
    return list(paths.values()), faults


def _is_path(entry: object) -> TypeGuard[str]:
    return isinstance(entry, str) and 0 < len(entry) <= _MAX_PATH_CHARACTERS and "\0" not in entry


def _expanded(entry: str, folder: Path) -> list[Path]:
    try:
        if (folder / entry).exists():
            return [folder / entry]
        # Unlike Path.glob, it accepts absolute globs, and `*` matches no hidden file.
        names = glob.glob(entry, root_dir=folder, recursive=True)  # noqa: PTH207
        return [folder / name for name in sorted(names)]
    except (OSError, ValueError, RecursionError):  # a name that is too long, for example
        return []


def load_policy(
    paths: list[Path], today: date, max_waiver_days: int
) -> tuple[LoadedPolicy, list[Fault]]:
    """The content of the files, and all their faults in the order of the files and lines.

    `today` is the UTC day from which `max_waiver_days` counts.
    """
    reader = _Reader(today, max_waiver_days)
    for path in paths:
        reader.read(path)
    content = LoadedPolicy.model_construct(
        files=tuple(reader.files), rules=tuple(reader.rules), waivers=tuple(reader.waivers)
    )
    return content, reader.faults


@dataclass
class _Reader:
    """Collects rules, waivers and faults, file by file."""

    today: date
    max_waiver_days: int
    files: list[LoadedFile] = field(default_factory=list)
    rules: list[PolicyRule] = field(default_factory=list)
    waivers: list[PolicyWaiver] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _first_at: dict[tuple[str, str], str] = field(default_factory=dict)

    def read(self, path: Path) -> None:
        try:
            if path.exists() and not path.is_file():
                rule = "must be a file; for all files of a folder, write FOLDER/*.yaml"
                raise BadConfiguration((Fault(str(path), "", None, rule),))
            file = read_yaml_file(path, _MISSING, ", with rules and waivers")
        except BadConfiguration as error:
            self.faults += error.faults
            return
        self.files.append(LoadedFile(name=str(path), sha256=file.sha256))
        found = _FileReader(str(path), file)
        self._read_content(found)
        self.faults += [*file.repeated, *(fault for _, fault in sorted(found.faults, key=_line))]

    def _read_content(self, found: _FileReader) -> None:
        content = found.file.content
        defaults = found.defaults()
        for index, raw in enumerate(found.entries("rules")):
            place = ("rules", index)
            rule, unknown = found.understood(PolicyRule, raw, place)
            self._note_id("rule", found, raw, place)
            if rule is not None:
                found.report(place, faults_of_rule(rule, unknown))
                self.rules.append(_with_defaults(rule, defaults))
        for index, raw in enumerate(found.entries("waivers")):
            place = ("waivers", index)
            waiver, unknown = found.understood(PolicyWaiver, raw, place)
            self._note_id("waiver", found, raw, place)
            if waiver is not None:
                days = self.max_waiver_days
                found.report(place, faults_of_waiver(waiver, self.today, days, unknown))
                self.waivers.append(waiver)
        known = PolicyFile.model_fields
        for key in content:
            if key not in known:
                rule_ = f"unknown key{suggestion(str(key), known)}; known keys are "
                found.report((key,), [((), None, rule_ + ", ".join(known))])

    def _note_id(self, kind: str, found: _FileReader, raw: Any, place: Place) -> None:
        own = raw.get("id") if isinstance(raw, dict) else None
        if not isinstance(own, str):
            return
        here = f"{found.name}, line {found.file.line_of((*place, 'id'))}"
        first = self._first_at.setdefault((kind, own), here)
        if first != here:
            found.report(place, [(("id",), own, f"duplicate id, first in {first}")])


def _line(numbered: tuple[int, Fault]) -> int:
    return numbered[0]


def _with_defaults(rule: PolicyRule, defaults: PolicyDefaults) -> PolicyRule:
    return rule.model_copy(
        update={
            "severity": rule.severity or defaults.severity,
            "owner": defaults.owner if rule.owner is None else rule.owner,
        }
    )


@dataclass
class _FileReader:
    """One file: it validates the parts, and describes each fault with its line."""

    name: str
    file: YamlFile
    faults: list[tuple[int, Fault]] = field(default_factory=list)

    def defaults(self) -> PolicyDefaults:
        version = self.file.content.get("version", 1)
        if version != 1 or isinstance(version, bool):
            self.report((), [(("version",), version, "must be 1, the only version of this format")])
        raw = self.file.content.get("defaults")
        found = self.validated(PolicyDefaults, {} if raw is None else raw, ("defaults",))
        return found or PolicyDefaults()

    def entries(self, key: str) -> list[Any]:
        raw = self.file.content.get(key)
        if raw is None or isinstance(raw, list):
            return raw or []
        self.report((key,), [((), None, "must be a list")])
        return []

    def validated(self, kind: type[M], raw: Any, place: Place) -> M | None:
        try:
            return kind.model_validate(raw)
        except ValidationError as error:
            self.report(place, self._faults_of(error, place))
            return None

    def understood(self, kind: type[M], raw: Any, place: Place) -> tuple[M | None, set[str]]:
        """The entry without its faulty keys, and the keys that are not known for this reason.

        Keys that an entry needs have a value that causes no fault.
        """
        try:
            return kind.model_validate(raw), set()
        except ValidationError as error:
            self.report(place, self._faults_of(error, place))
            errors = [details for details in error.errors() if details["loc"]]
        if not isinstance(raw, dict):
            return None, set()
        faulty = {details["loc"][0] for details in errors}
        extra = {d["loc"][0] for d in errors if d["type"] == "extra_forbidden" and not d["loc"][1:]}
        unknown = {str(key) for key in faulty - extra}
        unknown.update(*(keys_meant_by(str(key), kind) for key in extra))
        rest = {key: value for key, value in raw.items() if key not in faulty}
        try:
            return kind.model_validate(_NEEDED[kind] | rest), unknown
        except ValidationError:
            return None, set()

    def _faults_of(self, error: ValidationError, place: Place) -> Iterator[PlacedFault]:
        for details in distinct_errors(error):
            location = tuple(part for part in details["loc"] if part != "[key]")
            node = self.file.node_at((*place, *location))
            hidden = details["type"] in {"missing", "extra_forbidden"}
            value = None if hidden else _shown(node, details["input"])
            kind = node.tag.removeprefix(_KIND) if isinstance(node, yaml.ScalarNode) else ""
            yield location, value, rule_of_error(details, (*place, *location), kind)

    def report(self, place: Place, faults: Any) -> None:
        for inside, value, rule in faults:
            where = (*place, *inside)
            line = self.file.line_of(where)
            fault = Fault(f"{self.name}, line {line}", self._named(place, inside), value, rule)
            self.faults.append((line, fault))

    def _named(self, place: Place, inside: Place) -> str:
        """`rule owner-present: values[1]`, with the position instead of an id that is not text."""
        name = ""
        if len(place) > 1:
            entry = self.file.content[str(place[0])][place[1]]
            own = entry.get("id") if isinstance(entry, dict) else None
            kind = str(place[0]).removesuffix("s")
            name = f"{kind} {own}" if isinstance(own, str) and own else f"{place[0]}[{place[1]}]"
        elif place:
            name = str(place[0])
        key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in inside).lstrip(".")
        return ": ".join(text for text in (name, key) if text)


def _shown(node: yaml.Node, value: object) -> object:
    """A scalar as the file writes it."""
    return node.value if isinstance(node, yaml.ScalarNode) and node.value else value
