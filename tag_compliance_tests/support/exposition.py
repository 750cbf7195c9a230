"""An exposition as the tests read it; each text is parsed at most once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from tag_compliance.domain.metrics import CONTRACT_METRICS

CONTRACT = frozenset(metric.name for metric in CONTRACT_METRICS)

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)( -?\d+)?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")

Series = tuple[str, frozenset[tuple[str, str]]]
Values = dict[Series, float]


@dataclass(frozen=True)
class Sample:
    """`line` is its text; the values in `labels` are unescaped."""

    name: str
    labels: Mapping[str, str]
    value: float
    line: str


@dataclass(frozen=True)
class Exposition:
    text: str

    @cached_property
    def samples(self) -> list[Sample]:
        """All samples in order; fails for a line that is neither a sample nor a comment."""
        return [_sample_of(line) for line in self.text.split("\n") if line and line[0] != "#"]

    @cached_property
    def contract_lines(self) -> frozenset[str]:
        """The samples of the ten contract metrics, as lines."""
        lines = self.text.split("\n")
        return frozenset(line for line in lines if line.partition("{")[0] in CONTRACT)

    @property
    def names(self) -> set[str]:
        """The names of all samples."""
        return {sample.name for sample in self.samples}

    def values(self, names: Iterable[str] | None = None) -> Values:
        """The value of each series, or of each series of these metrics; fails for a duplicate."""
        wanted = self.names if names is None else set(names)
        listed = [
            ((sample.name, frozenset(sample.labels.items())), sample.value)
            for sample in self.samples
            if sample.name in wanted
        ]
        found = dict(listed)
        assert len(found) == len(listed), "two samples of one series"
        return found

    def value(self, name: str, **labels: str) -> float:
        """The value of the only sample of the metric that has these labels."""
        wanted = labels.items()
        samples = [s for s in self.samples if s.name == name and s.labels.items() >= wanted]
        (sample,) = samples
        return sample.value

    def plain(self, name: str) -> float | None:
        """The value of a sample without labels, if there is one; nothing else is parsed."""
        found = re.search(rf"^{name} (\S+)$", self.text, re.MULTILINE)
        return float(found[1]) if found else None


def _sample_of(line: str) -> Sample:
    match = _SAMPLE.fullmatch(line)
    assert match, f"this line is not a sample: {line}"
    labels = {name: _unescaped(value) for name, value in _LABEL.findall(match["labels"] or "")}
    return Sample(match["name"], labels, float(match["value"]), line)


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], value)
