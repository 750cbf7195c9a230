"""Rules for the code of the package that ruff does not check."""

from __future__ import annotations

import ast
from pathlib import Path

import tag_compliance

_PACKAGE = Path(tag_compliance.__file__).parent
_MOST_LINES = 40


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function, without its decorators and its docstring."""
    documented = ast.get_docstring(function, clean=False) is not None
    first = function.body[0]
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_a_function_has_at_most_40_lines() -> None:
    too_long = [
        f"{path.relative_to(_PACKAGE)}: {node.name} has {lines} lines"
        for path in sorted(_PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := _lines(node)) > _MOST_LINES
    ]
    assert not too_long
