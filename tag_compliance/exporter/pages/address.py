"""The address of a page, and the addresses that differ from it: the whole state of a page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Address:
    """A path and the parameters of a query, in their order.

    A cursor belongs to one list of findings. Each other list begins without it.
    """

    path: str
    parameters: Pairs = ()

    def __str__(self) -> str:
        return f"{self.path}?{urlencode(self.parameters)}" if self.parameters else self.path

    def values(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.parameters if key == name)

    def with_value(self, name: str, value: str) -> Address:
        """With this value only; an empty one removes the parameter."""
        others = self.without(name)
        return replace(others, parameters=(*others.parameters, (name, value))) if value else others

    def without(self, *names: str) -> Address:
        gone = {*names, "cursor"}
        return replace(self, parameters=tuple(p for p in self.parameters if p[0] not in gone))

    def without_value(self, name: str, value: str) -> Address:
        others = self.without()
        kept = tuple(pair for pair in others.parameters if pair != (name, value))
        return replace(others, parameters=kept)

    def of(self, path: str, *names: str) -> Address:
        """Another page, with the parameters of these names."""
        return Address(path, tuple(p for p in self.parameters if p[0] in names))
