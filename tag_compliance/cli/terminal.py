"""The standard streams: closed ones, terminals, and colours only where they are seen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TextIO

import click

from tag_compliance.domain.counts import Grade

_COLOURS = {Grade.GOOD: "green", Grade.FAIR: "yellow", Grade.POOR: "red"}


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sees the stream."""
    return stream is not None and not stream.closed and stream.isatty()


def replace_closed_streams() -> None:
    """Opens /dev/null for each standard stream that the caller closed, for example with `>&-`.

    Python has no stream there: what is printed to a closed stderr would go to stdout. And the next
    file or socket would get its descriptor. Writing to a closed stdout still fails, because
    /dev/null is opened only for reading.
    """
    if sys.stdin is None:
        _open_null(0, os.O_RDONLY)
    if sys.stdout is None:
        _open_null(1, os.O_RDONLY)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        _open_null(2, os.O_WRONLY)
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def discard_stdout() -> None:
    """After an error, so that the interpreter does not fail at exit with what is still buffered."""
    _open_null(1, os.O_WRONLY)


def _open_null(descriptor: int, flags: int) -> None:
    opened = os.open(os.devnull, flags)
    if opened != descriptor:
        os.dup2(opened, descriptor)
        os.close(opened)


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
