"""The tag keys that a rule is about, for programs that have the rule's findings but not the rule.

Only the standard library is used here, so that the exporter knows them as well.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleKeys:
    """The keys of a rule, of which one is enough, and which other spellings of them there are.

    `key_case` is that of the policy file, or `unseen`. `checks_values` says whether the rule
    demands something of the value.
    """

    keys: tuple[str, ...]
    key_case: str = "unseen"
    spellings: tuple[str, ...] = ()
    checks_values: bool = False

    def accepted(self, present: Collection[str]) -> list[list[str]]:
        """For each key, which of the present ones count as it."""
        if self.key_case == "any":
            return [[text for text in present if self._is_spelling(text, key)] for key in self.keys]
        return [[text for text in present if text == key] for key in self.keys]

    def misspelled(self, present: Collection[str]) -> dict[str, str]:
        """The present keys that are a wrong spelling, each with the key that is meant.

        Of several keys with the same listed spelling, the first.
        """
        if self.key_case != "exact":
            return {}
        found: dict[str, str] = {}
        for key in self.keys:
            for text in present:
                if text != key and self._is_spelling(text, key):
                    found.setdefault(text, key)
        for key in self.keys:
            found.update({text: key for text in found if text.casefold() == key.casefold()})
        return found

    def _is_spelling(self, text: str, key: str) -> bool:
        return text.casefold() in {other.casefold() for other in (key, *self.spellings)}
