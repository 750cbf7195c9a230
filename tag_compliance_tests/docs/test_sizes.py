"""The documented sizes of snapshots are right, and the manifests leave room for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.large_snapshot import large_contents
from tag_compliance_tests.deploy.manifests import BASE, ROOT, SCALE_OUT, render

_OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_MIB = 1_048_576

_SINGLE = 12
"""Series without labels of an account, which do not matter for the size."""


def _documented_series(accounts: int, regions: int, types: int, tags: int, detail: int) -> int:
    """The formula of docs/operations.md."""
    formula = re.findall(r"^> series = (.+)$", _OPERATIONS, re.MULTILINE)[0]
    text = re.sub(r"\*([ARTKD])\*", r"\1", formula).replace("×", "*")
    assert re.fullmatch(r"[ARTKD0-9 +*()]+", text)
    names = {"A": accounts, "R": regions, "T": types, "K": tags, "D": detail}
    return int(eval(text, {"__builtins__": {}}, names))


@pytest.mark.parametrize("case", [(1, 1, 1, 1), (3, 2, 5, 1), (2, 4, 7, 3)])
def test_the_documented_formula_gives_the_number_of_series(case: tuple[int, int, int, int]) -> None:
    contents = large_contents(*case)
    assert contents.status.samples == _documented_series(*case, contents.detail_series) + _SINGLE


def test_the_documented_measurements_follow_the_formula() -> None:
    row = re.compile(r"^\| (\d+) × (\d+) × (\d+) × (\d+) \| ([\d,]+) \| ([\d,]+) \|", re.MULTILINE)
    rows = row.findall(_OPERATIONS)
    assert len(rows) > 3
    for *case, series, detail in rows:
        accounts, regions, types, tags = map(int, case)
        expected = _documented_series(accounts, regions, types, tags, int(detail.replace(",", "")))
        assert int(series.replace(",", "")) == expected + _SINGLE


@pytest.mark.parametrize("folder", [BASE, SCALE_OUT], ids=["base", "scale-out"])
def test_the_memory_limit_of_the_exporter_fits_the_documented_size_while_a_snapshot_changes(
    folder: Path,
) -> None:
    exporter = render(folder).containers()["exporter"]
    limit = re.fullmatch(r"(\d+)Mi", exporter["resources"]["limits"]["memory"])
    assert limit
    assert f"{limit[1]} MiB, fit 250 MB of text" in _OPERATIONS
    with_s3 = 65 + 25
    assert int(limit[1]) * _MIB > (with_s3 + 2.1 * 250) * 1_000_000
