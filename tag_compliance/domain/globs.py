"""Globs over texts: `*` matches any characters, also none; everything else is literal."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_ANY = "*"
_FEW = 64
_CHARACTERS_OF_A_REGEX = 4_000
"""A longer alternation takes RE2 more memory than Arrow allows it."""


def flags(column: pa.BooleanArray) -> NDArray[np.bool_]:
    """The values of an array without nulls."""
    values: NDArray[np.bool_] = column.to_numpy(zero_copy_only=False)
    return values


def folded(values: pa.Array) -> pa.Array:
    """The texts without letter case, by Unicode's case folding: `Straße` is `strasse`."""
    return pa.array([value.casefold() for value in values.to_pylist()], pa.string())


def regex_of_glob(glob: str) -> str:
    """A part of a regular expression whose `.` has to match line feeds as well."""
    return ".*".join(re.escape(part) for part in re.split(r"\*+", glob))


@dataclass(frozen=True)
class Globs:
    """A list of globs, of which one has to match."""

    texts: tuple[str, ...]
    ignore_case: bool = False

    def matches(self, text: str) -> bool:
        if self._match_all:
            return True
        if not self._regexes:
            return (text.casefold() if self.ignore_case else text) in self._literals
        return bool(self.mask(pa.array([text], pa.string()))[0])

    def mask(self, values: pa.Array) -> NDArray[np.bool_]:
        """For each text of a string array whether one of the globs matches the whole of it."""
        if self._match_all:
            return np.ones(len(values), dtype=bool)
        if not self._regexes and len(values) <= _FEW:  # a tenth of the time of Arrow's kernel
            return np.array([self.matches(text) for text in values.to_pylist()], dtype=bool)
        texts = folded(values) if self.ignore_case else values
        literals = pa.array(self._literals, pa.string())
        found: NDArray[np.bool_] = flags(pc.is_in(texts, value_set=literals))
        for regex in self._regexes:
            found = found | flags(pc.match_substring_regex(texts, pattern=regex))
        return found

    @cached_property
    def _match_all(self) -> bool:
        return any(text and not text.strip(_ANY) for text in self.texts)

    @cached_property
    def _wanted(self) -> tuple[str, ...]:
        if not self.ignore_case:
            return self.texts
        return tuple(text.casefold() for text in self.texts)

    @cached_property
    def _literals(self) -> Collection[str]:
        return {text: None for text in self._wanted if _ANY not in text}.keys()

    @cached_property
    def _regexes(self) -> tuple[str, ...]:
        """Regular expressions (RE2), which match in linear time whatever the globs are."""
        return tuple(rf"(?s)\A(?:{'|'.join(group)})\z" for group in _groups(self._wanted))


def _groups(globs: Collection[str]) -> Iterator[list[str]]:
    group: list[str] = []
    for glob in globs:
        if _ANY in glob:
            group.append(regex_of_glob(glob))
            if sum(map(len, group)) > _CHARACTERS_OF_A_REGEX:
                yield group
                group = []
    if group:
        yield group


def overlap(one: str, other: str) -> bool:
    """Whether a text exists that both globs match."""
    reachable = {(0, 0)}
    for _ in range(len(one) + len(other) + 1):
        if (len(one), len(other)) in reachable:
            return True
        reachable = {after for state in reachable for after in _steps(one, other, *state)}
    return False


def _steps(one: str, other: str, i: int, j: int) -> Iterator[tuple[int, int]]:
    """What is left of two globs after a star ends, or after both take the same character."""
    starts = i < len(one) and one[i] == _ANY, j < len(other) and other[j] == _ANY
    if starts[0]:
        yield i + 1, j
    if starts[1]:
        yield i, j + 1
    if i < len(one) and j < len(other):
        if starts[0] and not starts[1]:
            yield i, j + 1
        elif starts[1] and not starts[0]:
            yield i + 1, j
        elif one[i] == other[j] and not starts[0]:
            yield i + 1, j + 1
