"""Writes reports as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.report import Report, Table, Target


def render(reports: Iterable[Report]) -> str:
    """Every table, then what was skipped, then all targets."""
    reports = list(reports)
    blocks = [_block(table) for report in reports for table in report.tables]
    blocks += [
        f"*{report.name}: skipped, {report.skipped}*" for report in reports if report.skipped
    ]
    targets = [target for report in reports for target in report.targets]
    if targets:
        blocks.append(_block(Table("Targets", ("target", "measured", ""), _rows(targets))))
    return "\n\n".join(blocks)


def _rows(targets: Sequence[Target]) -> list[list[str]]:
    return [[t.target, t.measured, "met" if t.met else "**missed**"] for t in targets]


def _block(table: Table) -> str:
    lines = [
        f"### {table.title}",
        "",
        f"| {' | '.join(table.columns)} |",
        f"| --- |{' ---: |' * (len(table.columns) - 1)}",
        *(f"| {' | '.join(row)} |" for row in table.rows),
    ]
    return "\n".join(lines)
