"""What the pipeline and the exporter ask of the place where everything is kept.

Names are relative, with forward slashes. An object appears whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's bytes, and a mark that differs whenever they do."""

    data: bytes
    version: str


class Storage(Protocol):
    """A folder or a bucket. Every method raises `StorageRefused` where it does not answer."""

    @property
    def uri(self) -> str:
        """The place, for a person."""
        ...

    def read(self, name: str, known: Stored | None = None) -> Stored | None:
        """The object, or None where there is none.

        Where it is still the `known` one, that very object, for the price of asking.
        """
        ...

    def write(self, name: str, data: bytes) -> None:
        """Puts the object there, in place of what was."""
        ...

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        """Replaces the object by what `decide` makes of it, as one step beside other writers.

        `decide` may be asked again when another writer came between; None leaves the object as it
        is. Answers whether it was replaced.
        """
        ...

    def names(self, prefix: str) -> list[str]:
        """The names of all objects below the prefix, sorted."""
        ...

    def delete(self, name: str) -> None:
        """Removes the object; nothing happens where there is none."""
        ...

    def sweep(self) -> int:
        """Removes what writers that died have left behind; answers how many pieces."""
        ...
