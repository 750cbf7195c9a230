"""Merges documents of tag policies as AWS Organizations does, from the root down to an account.

https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

ASSIGN, APPEND, REMOVE = "@@assign", "@@append", "@@remove"
CHILD_CONTROL = "@@operators_allowed_for_child_policies"
VALUE_OPERATORS = (ASSIGN, APPEND, REMOVE)
"""In the order in which those of one setting are applied."""

_ALL, _NONE = "@@all", "@@none"
CONTROLS = (_ALL, _NONE, *VALUE_OPERATORS)

Setting = str | list[str]
Note = Callable[[str], None]
"""Called with a sentence about something that is not taken over."""


@dataclass
class _Merged:
    """The settings of one statement so far, and the operators that later documents may use."""

    settings: dict[str, Setting] = field(default_factory=dict)
    allowed: dict[str, frozenset[str]] = field(default_factory=dict)


@dataclass
class PolicyMerger:
    """Merges the documents that are added, each of which is the child of those before it.

    The documents are valid: a setting is a value, as in an effective policy, or has operators.
    """

    note: Note
    _statements: dict[str, _Merged] = field(default_factory=dict)
    _allowed: frozenset[str] = frozenset(VALUE_OPERATORS)

    def add(self, name: str, tags: Mapping[str, Any]) -> None:
        """`name` is that of the file; `tags` is the content of the key `tags`."""
        for policy_key, content in tags.items():
            if policy_key.startswith("@@"):
                continue
            key = next((k for k in self._statements if k.lower() == policy_key.lower()), policy_key)
            merged = self._statements.setdefault(key, _Merged())
            for setting, value in content.items():
                if not setting.startswith("@@"):
                    where = f"{name}: tags.{policy_key}.{setting}"
                    allowed = self._allowed & merged.allowed.get("", self._allowed)
                    allowed &= merged.allowed.get(setting, allowed)
                    self._set(where, merged, setting, value, allowed)
            self._restrict(merged, content)
        self._allowed &= _allowed_in(tags)

    def effective(self) -> dict[str, dict[str, Setting]]:
        """The settings of each statement, by its policy key."""
        return {key: merged.settings for key, merged in self._statements.items()}

    def _set(
        self, where: str, merged: _Merged, name: str, value: Any, allowed: frozenset[str]
    ) -> None:
        operators = value if isinstance(value, dict) else {ASSIGN: value}
        for operator in VALUE_OPERATORS:
            if operator not in operators:
                continue
            if operator not in allowed:
                self.note(f"{where}: {operator} is ignored: a policy above does not allow it")
                continue
            given = operators[operator]
            if operator == ASSIGN:
                merged.settings[name] = given
                continue
            inherited = list(merged.settings.get(name, []))
            if operator == APPEND:
                merged.settings[name] = inherited + [v for v in given if v not in inherited]
            elif name in merged.settings:
                merged.settings[name] = [v for v in inherited if v not in given]

    @staticmethod
    def _restrict(merged: _Merged, content: Mapping[str, Any]) -> None:
        """What is not allowed once is never allowed again."""
        for name, value in {**content, "": content}.items():
            if isinstance(value, dict):
                own = _allowed_in(value)
                merged.allowed[name] = merged.allowed.get(name, own) & own


def _allowed_in(value: Mapping[str, Any]) -> frozenset[str]:
    named = value.get(CHILD_CONTROL, [_ALL])
    named = [named] if isinstance(named, str) else named
    return frozenset(VALUE_OPERATORS) if _ALL in named else frozenset(named) - {_NONE}


def has_operators(tags: Mapping[str, Any]) -> bool:
    """Whether the document can be attached; an effective policy has no operators."""
    statements = [content for content in tags.values() if isinstance(content, dict)]
    settings = [value for s in statements for value in s.values() if isinstance(value, dict)]
    return any(name.startswith("@@") for part in (tags, *statements, *settings) for name in part)
