"""A YAML file as one mapping, with the mistakes that YAML itself forgives told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tag_compliance.errors import BadConfiguration, Fault


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in the file; raises `BadConfiguration` where there is none or a key repeats."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        rule = "no such file; name one by --config or TAG_COMPLIANCE_CONFIG"
        raise BadConfiguration((Fault(str(path), "", None, rule),)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration((Fault(str(path), "", None, f"cannot be read: {error}"),)) from None
    try:
        repeated = list(_repeated_keys(yaml.compose(text, Loader=yaml.SafeLoader)))
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        rule = f"is no YAML: {' '.join(str(error).split())}"
        raise BadConfiguration((Fault(str(path), "", None, rule),)) from None
    if not isinstance(raw, dict):
        fault = Fault(
            str(path), "", None, "must hold keys and values, see config.yaml in the README"
        )
        raise BadConfiguration((fault,))
    if repeated:
        raise BadConfiguration(tuple(Fault(str(path), k, None, rule) for k, rule in repeated))
    return raw


def _repeated_keys(node: yaml.Node | None) -> Iterable[tuple[str, str]]:
    """PyYAML lets the last of two equal keys win in silence."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value in lines:
                yield key.value, f"stands at lines {lines[key.value]} and {line}"
            elif isinstance(key, yaml.ScalarNode):
                lines[key.value] = line
            yield from _repeated_keys(value)
