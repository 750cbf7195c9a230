"""Colours of what people read, only where they are seen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TextIO

import click

from tag_compliance.domain.counts import Grade

_COLOURS = {Grade.GOOD: "green", Grade.FAIR: "yellow", Grade.POOR: "red"}


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sees the stream; a stream that the caller closed is None or closed."""
    return stream is not None and not stream.closed and stream.isatty()


@dataclass(frozen=True, slots=True)
class Style:
    """Marks words as good, fair or poor; without colour they stay as they are."""

    coloured: bool = False

    @classmethod
    def of(cls, stream: TextIO | None, environment: Mapping[str, str] = os.environ) -> Self:
        """Coloured on a terminal that has colours, unless NO_COLOR is set: https://no-color.org"""
        plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
        return cls(is_terminal(stream) and not plain)

    def graded(self, text: str, grade: Grade) -> str:
        return click.style(text, fg=_COLOURS[grade]) if self.coloured else text

    def good(self, text: str) -> str:
        return self.graded(text, Grade.GOOD)

    def fair(self, text: str) -> str:
        return self.graded(text, Grade.FAIR)

    def poor(self, text: str) -> str:
        return self.graded(text, Grade.POOR)
