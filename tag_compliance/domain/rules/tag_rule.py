"""A rule of the policy file: a scope, the tag or tags that it is about, and what it checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.resources import RESOURCE_SCHEMA, TaggedResources
from tag_compliance.domain.rule_keys import RuleKeys
from tag_compliance.domain.rules.base import Code, CodeSets, RuleId, Violations
from tag_compliance.domain.rules.checks.forbidden import Forbidden
from tag_compliance.domain.rules.checks.key_spelling import KeySpelling
from tag_compliance.domain.rules.checks.required import Required
from tag_compliance.domain.rules.tag_column import TagColumn, TagKey
from tag_compliance.domain.scope import Scope
from tag_compliance.domain.severity import Severity


class Check(Protocol):
    """One kind of requirement about a tag. A new kind is one file that implements this."""

    def codes(self, column: TagColumn) -> CodeSets:
        """For each resource what is wrong with its tag."""


class Combination(Protocol):
    """What a rule about several keys makes of the results of each key."""

    def combined(self, columns: list[TagColumn], found: list[CodeSets]) -> CodeSets:
        """For each resource what is wrong, from what is wrong with each of its keys."""


@dataclass(frozen=True)
class TagRule:
    """One rule. `checks` are about each of `keys`; `combination` is needed for several keys."""

    rule_id: RuleId
    severity: Severity
    title: str
    keys: tuple[TagKey, ...]
    checks: tuple[Check, ...]
    scope: Scope = field(default_factory=Scope)
    owner: str = ""
    combination: Combination | None = None

    @property
    def tag(self) -> str:
        return "|".join(text for key in self.keys for text in key.keys)

    @property
    def rule_keys(self) -> RuleKeys:
        texts = tuple(text for key in self.keys for text in key.keys)
        of_keys = (Required, KeySpelling, Forbidden)
        checks_values = not all(isinstance(check, of_keys) for check in self.checks)
        return RuleKeys(texts, str(self.keys[0].key_case), self.keys[0].spellings, checks_values)

    def applies_to(self, resources: TaggedResources) -> NDArray[np.bool_]:
        return self.scope.rows(resources)

    def exempted_by_tag(
        self, resources: TaggedResources, applies: NDArray[np.bool_]
    ) -> NDArray[np.bool_] | None:
        return self.scope.exempted_by_tag(resources, applies)

    def violations(self, resources: TaggedResources, applies: NDArray[np.bool_]) -> Violations:
        if not applies.any():
            return Violations.of(np.zeros(len(resources), dtype=np.uint16))
        columns = [key.on(resources) for key in self.keys]
        found = [self._codes(column) for column in columns]
        codes = self.combination.combined(columns, found) if self.combination else found[0]
        violations = Violations.of(np.where(applies, codes, np.uint16(0)))
        if not self.keys[0].is_glob:
            return violations
        return replace(violations, tags=columns[0].keys_of(violations.rows))

    def rejects(self, value: str) -> list[Code]:
        """What is wrong with a resource in the scope whose tags have this value."""
        return [code for codes in self._violations_of((value,)).codes for code in codes]

    def rejects_all(self, values: Sequence[str]) -> bool:
        """Whether something is wrong with each of these values."""
        return len(self._violations_of(values).rows) == len(values)

    def _violations_of(self, values: Sequence[str]) -> Violations:
        """The violations of a resource for each value, which all its tags have."""
        row = {"region": "", "arn": "", "resource_type": "", "source": ""}
        keys = [key.keys[0] for key in self.keys]
        rows = [{**row, "tags": [(key, value) for key in keys]} for value in values]
        resources = TaggedResources(pa.Table.from_pylist(rows, schema=RESOURCE_SCHEMA))
        return self.violations(resources, np.ones(len(rows), dtype=bool))

    def _codes(self, column: TagColumn) -> CodeSets:
        found = np.zeros(len(column.resources), dtype=np.uint16)
        for check in self.checks:
            found |= check.codes(column)
        return found
