"""A YAML file that a person wrote: limited before it is parsed; repeated keys are faults."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from tag_compliance.errors import BadConfiguration, Fault

_MAX_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 40
"""Far below the depth at which libyaml's recursion ends the process."""

_MAX_NODES = 500_000
"""With each alias counted as what it stands for; 10,000 accounts in 17 regions are 250,000."""

_MAX_BYTES_OF_SLOW_PARSER = 100_000

# PyYAML also raises other errors than its own: for `!!int ""`, `!!bool x`, `!!timestamp x`.
_VALUE_ERRORS = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError),
    *(TypeError, ValueError),
)


class _TooMuch(yaml.YAMLError):
    """The file is larger than any configuration."""


@dataclass(frozen=True, slots=True)
class MalformedValue:
    """A number or a date that does not exist, such as 2027-02-30: of no type that a key has."""

    text: str

    def __repr__(self) -> str:
        return repr(self.text)


Place = tuple[int | str, ...]
"""Keys and positions that lead from the root of a document to a value."""


@dataclass(frozen=True)
class YamlFile:
    """The mapping in a file, a fault for each repeated key, and the SHA-256 of the file."""

    content: dict[str, Any]
    repeated: tuple[Fault, ...]
    root: yaml.Node
    sha256: str

    def node_at(self, place: Place) -> yaml.Node:
        """The value at this place, or the innermost that exists around it."""
        node = self.root
        for part in place:
            inner = None
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                inner = node.value[part] if part < len(node.value) else None
            elif isinstance(node, yaml.MappingNode):
                inner = next((v for k, v in node.value if k.value == part), None)
            node = node if inner is None else inner
        return node

    def line_of(self, place: Place) -> int:
        """The line of the key at the end of this place, or of the value if it has none."""
        around = self.node_at(place[:-1])
        if place and isinstance(around, yaml.MappingNode):
            for key, _ in around.value:
                if key.value == place[-1]:
                    return int(key.start_mark.line) + 1
        return int(self.node_at(place).start_mark.line) + 1


def read_yaml(path: Path, missing: str) -> tuple[dict[str, Any], list[Fault]]:
    """The mapping in the file, and a fault for each repeated key. Raises as `read_yaml_file`."""
    file = read_yaml_file(path, missing, "; see config.yaml in the README")
    return file.content, list(file.repeated)


def read_yaml_file(path: Path, missing: str, advice: str = "") -> YamlFile:
    """Raises `BadConfiguration` if the file cannot be read or does not contain a mapping.

    `missing` is the rule if there is no such file. No message quotes the content, because the file
    may be any other file, with secrets.
    """
    try:
        text = _text_of(path)
        root, raw = _parsed(text)
        if isinstance(raw, dict) and root is not None:
            repeated = (Fault(str(path), k, None, rule) for k, rule in _repeated_keys(root))
            return YamlFile(raw, tuple(repeated), root, sha256(text.encode()).hexdigest())
        rule = f"must be a mapping of keys to values{advice}"
    except FileNotFoundError:
        rule = missing
    except UnicodeDecodeError as error:
        rule = f"cannot be read: byte {error.start} is not UTF-8"
    except (OSError, _TooMuch) as error:
        rule = f"cannot be read: {error}"
    except yaml.YAMLError as error:
        rule = f"is not valid YAML: {_cause_of(error)}"
    except _VALUE_ERRORS:
        rule = "is not valid YAML: a value is malformed; use quotes"
    raise BadConfiguration((Fault(str(path), "", None, rule),))


def _text_of(path: Path) -> str:
    with path.open("rb") as file:  # a device such as /dev/zero has no end
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise _TooMuch(f"it is larger than {_MAX_BYTES // 1024**2} MiB")
    return data.decode("utf-8")


def _cause_of(error: yaml.YAMLError) -> str:
    """PyYAML's text without the excerpt of the file."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    cause = " ".join(text for text in (error.context, error.problem) if text)
    mark = error.problem_mark or error.context_mark
    return f"{cause}, line {mark.line + 1}, column {mark.column + 1}" if mark else cause


def _parsed(text: str) -> tuple[yaml.Node | None, Any]:
    """Libyaml is ten times as fast as PyYAML's own parser, whose error messages are better.

    Every tick reads the file; with 1,000 accounts, PyYAML's parser takes 0.3 s.
    """
    fast: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _loaded(text, fast)
    except (yaml.YAMLError, *_VALUE_ERRORS) as error:
        if isinstance(error, _TooMuch) or len(text) > _MAX_BYTES_OF_SLOW_PARSER:
            raise
        return _loaded(text, yaml.SafeLoader)


def _loaded(text: str, loader: type[Any]) -> tuple[yaml.Node | None, Any]:
    class Loader(_KeepsMalformedValues, loader):  # type: ignore[misc]
        """Loads what is safe."""

    _check_size(yaml.parse(text, Loader=loader))
    return yaml.compose(text, Loader=loader), yaml.load(text, Loader=Loader)  # noqa: S506 - safe


class _KeepsMalformedValues:
    """Part of a loader: a value that PyYAML cannot convert is no end of the file."""

    recursive_objects: dict[yaml.Node, Any]

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - as PyYAML's
        try:
            return super().construct_object(node, deep)  # type: ignore[misc]
        except _VALUE_ERRORS:
            if not isinstance(node, yaml.ScalarNode):
                raise
            self.recursive_objects.pop(node, None)
            return MalformedValue(node.value)


def _check_size(events: Iterable[yaml.Event]) -> None:
    """Raises `_TooMuch`; a few aliases or merged keys can describe a value of any size."""
    open_anchors: list[str | None] = [None]
    nodes = [0]
    nodes_of: dict[str | None, int] = {}
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            open_anchors.append(event.anchor)
            nodes.append(1)
            if len(nodes) > _MAX_DEPTH:
                raise _TooMuch(f"it is nested more than {_MAX_DEPTH} levels deep")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_anchors.pop(), nodes.pop()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in open_anchors:
                raise _TooMuch(f"the value &{event.anchor} contains itself")
            anchor, size = None, nodes_of.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1
        else:
            continue
        nodes_of[anchor] = size
        nodes[-1] += size
        if nodes[-1] > _MAX_NODES:
            raise _TooMuch(f"it has more than {_MAX_NODES:,} values; an alias counts in full")


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
