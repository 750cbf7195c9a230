"""Globs over texts: `*` matches any characters, also none; everything else is literal."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

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

    def overlaps(self, other: Globs) -> bool:
        """Whether a text exists that both match. The time grows with the number of globs, not with
        the number of their pairs.
        """
        if self.ignore_case != other.ignore_case:
            return self._without_case.overlaps(other._without_case)
        if any(literal in other._literals for literal in self._literals):
            return True
        return (
            self._match_some(other._literals)
            or other._match_some(self._literals)
            or self._ends.overlap_with_longer(other._ends)
            or other._ends.overlap_with_longer(self._ends)
        )

    @cached_property
    def _without_case(self) -> Globs:
        return Globs(self.texts, ignore_case=True)

    def _match_some(self, literals: Collection[str]) -> bool:
        if not self._regexes or not literals:
            return False
        return bool(self.mask(pa.array(literals, pa.string())).any())

    @cached_property
    def _ends(self) -> _Ends:
        return _Ends.of(self._wanted)

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


@dataclass(frozen=True)
class _Ends:
    """What globs with a star begin and end with: two of them overlap exactly if one beginning
    begins with the other, and one end ends with the other, because stars match what is between.
    """

    ends_of: Mapping[str, Sequence[str]]
    """For each beginning the ends, reversed and in order."""

    @classmethod
    def of(cls, globs: Iterable[str]) -> Self:
        found: dict[str, set[str]] = {}
        for text in globs:
            if _ANY in text:
                end = text.rpartition(_ANY)[2][::-1]
                found.setdefault(text.partition(_ANY)[0], set()).add(end)
        return cls({beginning: sorted(ends) for beginning, ends in found.items()})

    def overlap_with_longer(self, other: _Ends) -> bool:
        """Whether a glob overlaps one of `other` whose beginning is as long or longer."""
        return any(
            _extends(self.ends_of[beginning[:length]], end)
            for beginning, ends in other.ends_of.items()
            for length in range(len(beginning) + 1)
            if beginning[:length] in self.ends_of
            for end in ends
        )


def _extends(ordered: Sequence[str], text: str) -> bool:
    """Whether one of the texts begins with `text`, or `text` with one of them."""
    place = bisect_left(ordered, text)
    if place < len(ordered) and ordered[place].startswith(text):
        return True
    for length in range(len(text)):
        place = bisect_left(ordered, text[:length])
        if place < len(ordered) and ordered[place] == text[:length]:
            return True
    return False
