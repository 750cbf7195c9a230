"""The scope of a rule: which resources it applies to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tag_compliance.domain.globs import Globs
from tag_compliance.domain.resources import TaggedResources, encoded
from tag_compliance.domain.type_patterns import TypePattern, rows_of_types

TagConditions = tuple[tuple[str, Globs], ...]
"""Keys, compared exactly, each with the globs of which one has to match its value."""


@dataclass(frozen=True)
class Selection:
    """Some resources: they match one entry of each list that is not None, and all `tags`.

    An entry of `units` is a path or an id and covers everything below it.
    """

    accounts: Globs | None = None
    units: Globs | None = None
    regions: Globs | None = None
    types: tuple[TypePattern, ...] | None = None
    tags: TagConditions = ()

    def matches_account(self, account_id: str, units: tuple[str, ...]) -> bool:
        if self.accounts is not None and not self.accounts.matches(account_id):
            return False
        return self.units is None or any(self.units.matches(unit) for unit in units)

    def rows(self, resources: TaggedResources) -> NDArray[np.bool_]:
        """For each resource whether it is selected."""
        if not self.matches_account(resources.account_id, resources.units):
            return np.zeros(len(resources), dtype=bool)
        return self.rows_of_table(resources.table) & rows_with_tags(self.tags, resources)

    def rows_of_table(self, table: pa.Table) -> NDArray[np.bool_]:
        """For each row whether region and type match; it has `region`, `arn`, `resource_type`."""
        selected = np.ones(len(table), dtype=bool)
        if self.regions is not None and len(table):
            regions = encoded(table["region"])
            selected &= self.regions.mask(regions.dictionary)[regions.indices.to_numpy()]
        if self.types is not None:
            selected &= rows_of_types(self.types, table)
        return selected


def rows_with_tags(conditions: TagConditions, resources: TaggedResources) -> NDArray[np.bool_]:
    """For each resource whether it has all these keys, each with a value that matches."""
    selected = np.ones(len(resources), dtype=bool)
    for key, globs in conditions:
        matching = np.zeros(len(resources), dtype=bool)
        number = resources.number_of(key)
        if number is not None:
            tags = resources.tags((number,))
            wanted = globs.mask(tags.values.dictionary)[tags.values.indices.to_numpy()]
            matching[tags.rows[wanted]] = True
        selected &= matching
    return selected


@dataclass(frozen=True)
class Scope:
    """A rule applies to what `only` selects and no entry of `exceptions` does, if `when` holds."""

    only: Selection = field(default_factory=Selection)
    exceptions: tuple[Selection, ...] = ()
    when: TagConditions = ()

    def rows(self, resources: TaggedResources) -> NDArray[np.bool_]:
        """For each resource whether the rule applies to it."""
        rows = self.only.rows(resources)
        for exception in self.exceptions:
            if rows.any():
                rows &= ~exception.rows(resources)
        return rows & rows_with_tags(self.when, resources) if self.when else rows

    def exempted_by_tag(
        self, resources: TaggedResources, applies: NDArray[np.bool_]
    ) -> NDArray[np.bool_] | None:
        """The resources that would be in the scope without its conditions about tags; None if it
        has none. `applies` is the result of `rows`.
        """
        return self._without_tags.rows(resources) & ~applies if self.depends_on_tags else None

    @property
    def depends_on_tags(self) -> bool:
        return bool(self.when or self.only.tags or any(e.tags for e in self.exceptions))

    @property
    def depends_on_units(self) -> bool:
        return any(s.units is not None for s in (self.only, *self.exceptions))

    @cached_property
    def _without_tags(self) -> Scope:
        exceptions = tuple(e for e in self.exceptions if not e.tags)
        return Scope(replace(self.only, tags=()), exceptions)
