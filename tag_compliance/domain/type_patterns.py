"""Patterns of resource types: which of an account's resources they match.

A pattern without `/` matches the type of a resource, which a sub-resource shares with its parent.
A pattern with `/` matches nested types, as Resource Explorer and tag policies name them:
https://docs.aws.amazon.com/resource-explorer/latest/userguide/supported-resource-types.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.globs import regex_of_glob
from tag_compliance.domain.resources import encoded, flags_by_text

# The parents whose ARNs name each sub-resource after its parent's id:
# `mesh/<id>/virtualRouter/<id>/route/<id>` is a resource of `appmesh:mesh/virtualRouter/route`.
# ARNs: https://docs.aws.amazon.com/service-authorization/latest/reference/
_PARENTS_WITH_IDS = (
    *("amplify:apps", "apigateway:apis", "apigateway:restapis", "appconfig:application"),
    *("appmesh:mesh", "budgets:budget", "cassandra:keyspace", "chime:app-instance"),
    *("connect:instance", "emr-containers:virtualclusters", "globalaccelerator:accelerator"),
    *("guardduty:detector", "inspector:target", "iottwinmaker:workspace", "kendra:index"),
    *("kinesis:stream", "mediapackagev2:channelGroup", "mobiletargeting:apps"),
    *("mobiletargeting:templates", "partnercentral:catalog", "profile:domains"),
    *("refactor-spaces:environment", "route53-recovery-control:controlpanel"),
    *("vpc-lattice:service",),
)


@dataclass(frozen=True)
class TypePattern:
    """One pattern, letter case aside. `*` matches any characters, everything else is literal.

    A bare word matches anywhere in `service:type`; a pattern with `:`, `*` or `/` matches the whole
    `service:type`, or the whole nested type. If the ARNs of a type do not have the known form of a
    nested one, a pattern with `/` matches the beginning of the path in the ARN.
    """

    text: str

    @property
    def is_nested(self) -> bool:
        return "/" in self.text

    def matches_type(self, resource_type: str) -> bool:
        """Whether every resource of `service:type` matches; never with a nested pattern."""
        if resource_type not in self._known:
            found = not self.is_nested and self._of_type.search(resource_type) is not None
            self._known[resource_type] = found
        return self._known[resource_type]

    @cached_property
    def _known(self) -> dict[str, bool]:
        """The types that were looked up: a scan meets the same few in each account."""
        return {}

    def rows(self, table: pa.Table) -> NDArray[np.bool_]:
        """For each row of a table of `RESOURCE_SCHEMA` whether the pattern matches it."""
        if len(table) == 0:
            return np.zeros(0, dtype=bool)
        if self.is_nested:
            found = pc.match_substring_regex(table["arn"], self._of_arn, ignore_case=True)
            matched: NDArray[np.bool_] = found.to_numpy()
            return matched
        types = encoded(table["resource_type"])
        matching = [self.matches_type(text) for text in types.dictionary.to_pylist()]
        if not any(matching):
            return np.zeros(len(table), dtype=bool)
        rows: NDArray[np.bool_] = np.array(matching, dtype=bool)[types.indices.to_numpy()]
        return rows

    @cached_property
    def _of_type(self) -> re.Pattern[str]:
        if ":" not in self.text and "*" not in self.text:
            return re.compile(re.escape(self.text), re.IGNORECASE)
        first, *rest = (re.escape(part) for part in self.text.split("*"))
        # Atomic: the first place where a middle part fits is as good as any; no second is tried.
        middle = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
        last = f".*{rest[-1]}" if rest else ""
        return re.compile(rf"\A{first}{middle}{last}\Z", re.IGNORECASE | re.DOTALL)

    @cached_property
    def _of_arn(self) -> str:
        """The regular expression (RE2) that a nested pattern matches ARNs with."""
        service, _, path = self.text.partition(":") if ":" in self.text else ("*", "", self.text)
        parent, _, kinds = path.partition("/")
        known = _known_parents(service, parent)
        forms = [_arn_form(re.escape(name), _with_ids(kind, kinds)) for name, kind in known]
        if not known or "*" in service + parent:
            end = "" if path.endswith("*") else "[/:].*"
            forms.append(_arn_form(regex_of_glob(service), regex_of_glob(path) + end))
        return "|".join(forms)


def rows_of_types(patterns: Sequence[TypePattern], table: pa.Table) -> NDArray[np.bool_]:
    """For each row of a table with `arn` and `resource_type` whether any pattern matches it."""
    if len(table) == 0:
        return np.zeros(0, dtype=bool)
    found = flags_by_text(
        table["resource_type"], lambda text: any(p.matches_type(text) for p in patterns)
    )
    for pattern in patterns:
        if pattern.is_nested:
            found |= pattern.rows(table)
    return found


def matched_rows(
    patterns: Sequence[TypePattern], table: pa.Table
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """For each row of a table of `RESOURCE_SCHEMA` whether any of the patterns matches it, and for
    each pattern how many rows it matches.
    """
    matched, matches = np.zeros(len(table), dtype=bool), dict[str, int]()
    for pattern in patterns:
        rows = pattern.rows(table)
        matches[pattern.text] = int(rows.sum())
        matched |= rows
    return matched, matches


def _known_parents(service: str, parent: str) -> list[tuple[str, str]]:
    """Service and kind of the parents in the table that two globs match."""
    wanted = re.compile(f"{regex_of_glob(service)}:{regex_of_glob(parent)}", re.IGNORECASE)
    matching = [name.split(":") for name in _PARENTS_WITH_IDS if wanted.fullmatch(name)]
    return [(service, kind) for service, kind in matching]


def _arn_form(service: str, resource: str) -> str:
    return rf"(?s)\Aarn:[^:]*:{service}:[^:]*:[^:]*:/?{resource}\z"


def _with_ids(parent: str, kinds: str) -> str:
    """`parent/<id>/kind/<id>`, of any depth; some services leave out the last id."""
    parts = [re.escape(parent), *(regex_of_glob(kind) for kind in kinds.split("/"))]
    return "/[^/]+/".join(parts) + "(?:/[^/]+)?"
