"""A YAML file as one mapping, with the mistakes that YAML itself forgives told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tag_compliance.errors import BadConfiguration, Fault

# PyYAML lets more than its own errors through: for `!!int ""`, `!!bool x`, `!!timestamp x`.
_NO_YAML = (
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def read_yaml(path: Path) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """The mapping in the file, and its repeated keys; raises `BadConfiguration` for no mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        rule = "no such file; name one by --config or TAG_COMPLIANCE_CONFIG"
        raise BadConfiguration((Fault(str(path), "", None, rule),)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration((Fault(str(path), "", None, f"cannot be read: {error}"),)) from None
    try:
        root, raw = _parsed(text)
        repeated = tuple(Fault(str(path), k, None, rule) for k, rule in _repeated_keys(root))
    except _NO_YAML as error:
        rule = f"is no YAML: {' '.join(str(error).split())}"
        raise BadConfiguration((Fault(str(path), "", None, rule),)) from None
    if not isinstance(raw, dict):
        fault = Fault(
            str(path), "", None, "must hold keys and values, see config.yaml in the README"
        )
        raise BadConfiguration((fault,))
    return raw, repeated


def _parsed(text: str) -> tuple[yaml.Node | None, Any]:
    """By libyaml, ten times as fast, where PyYAML was built with it; its faults in PyYAML's words.

    Every tick reads the file, and that of 1,000 accounts takes 0.3 s without.
    """
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.compose(text, Loader=fast), yaml.load(text, Loader=fast)  # noqa: S506 - safe
    except _NO_YAML:
        return yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)


def _repeated_keys(root: yaml.Node | None) -> Iterable[tuple[str, str]]:
    """PyYAML lets the last of two equal keys win in silence."""
    todo = [("", root)]
    seen: set[int] = set()
    while todo:
        at, node = todo.pop()
        if id(node) in seen:  # an alias: its keys have been told
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
                    yield path, f"stands at lines {lines[name]} and {line}"
                lines.setdefault(name, line)
                todo.append((path, value))
