"""Reads a YAML file as one mapping, and reports repeated keys, which YAML parsers accept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tag_compliance.errors import BadConfiguration, Fault

# PyYAML also raises other errors than its own: for `!!int ""`, `!!bool x`, `!!timestamp x`.
_PARSE_ERRORS = (
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def read_yaml(path: Path) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """The mapping in the file, and a fault for each repeated key.

    Raises `BadConfiguration` if the file cannot be read or does not contain a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        rule = "no such file; set --config or TAG_COMPLIANCE_CONFIG"
        raise BadConfiguration((Fault(str(path), "", None, rule),)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration((Fault(str(path), "", None, f"cannot be read: {error}"),)) from None
    try:
        root, raw = _parsed(text)
        repeated = tuple(Fault(str(path), k, None, rule) for k, rule in _repeated_keys(root))
    except _PARSE_ERRORS as error:
        rule = f"is not valid YAML: {' '.join(str(error).split())}"
        raise BadConfiguration((Fault(str(path), "", None, rule),)) from None
    if not isinstance(raw, dict):
        rule = "must be a mapping of keys to values, see config.yaml in the README"
        raise BadConfiguration((Fault(str(path), "", None, rule),))
    return raw, repeated


def _parsed(text: str) -> tuple[yaml.Node | None, Any]:
    """Libyaml is ten times as fast as PyYAML's own parser, whose error messages are better.

    Every tick reads the file; with 1,000 accounts, PyYAML's parser takes 0.3 s.
    """
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.compose(text, Loader=fast), yaml.load(text, Loader=fast)  # noqa: S506 - safe
    except _PARSE_ERRORS:
        return yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)


def _repeated_keys(root: yaml.Node | None) -> Iterable[tuple[str, str]]:
    """Each repeated key and its lines; PyYAML silently takes the last value."""
    todo = [("", root)]
    seen: set[int] = set()
    while todo:
        at, node = todo.pop()
        if id(node) in seen:  # an alias of a node that was visited before
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += [(f"{at}[{index}]", item) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                name = key.value if isinstance(key, yaml.ScalarNode) else "?"
                line = key.start_mark.line + 1
                path = f"{at}.{name}" if at else name
                if isinstance(key, yaml.ScalarNode) and name in lines:
                    yield path, f"repeated key, at lines {lines[name]} and {line}"
                lines.setdefault(name, line)
                todo.append((path, value))
