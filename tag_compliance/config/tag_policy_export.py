"""From the rules of policy files to an AWS tag policy; what AWS cannot express is noted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from tag_compliance.config.policy_model import LoadedPolicy
from tag_compliance.config.tag_policy import TagPolicy, TagStatement
from tag_compliance.config.tag_policy_parts import KeyPart, parts_of

_GENERAL = "severity, owner, title, description and example of rules have no place in a tag policy"


@dataclass
class ExportedPolicy:
    """The tag policy, and a sentence about each thing that it does not express as the rules do."""

    policy: TagPolicy = field(default_factory=TagPolicy)
    notes: list[str] = field(default_factory=list)


def export_rules(
    loaded: LoadedPolicy, required_tags: Iterable[str] = (), target: str | None = None
) -> ExportedPolicy:
    """The rules for all accounts or, with `target`, those whose scope lists this account or OU.

    Statements are in the order of the rules.
    """
    found = ExportedPolicy()
    found.notes += [
        f"rule required-tag-{key}: AWS requires a tag by resource type: write a rule with required "
        "and only: {types: …}"
        for key in required_tags
    ]
    by_key: dict[str, list[KeyPart]] = {}
    for rule in loaded.rules:
        for part in parts_of(rule, target, partial(_note, found, rule.id)):
            by_key.setdefault(part.key.lower(), []).append(part)
    statements = (_Statement(found, parts).build() for parts in by_key.values())
    found.policy = TagPolicy(tuple(statement for statement in statements if statement))
    found.notes += [f"waiver {waiver.id}: a tag policy has no waivers" for waiver in loaded.waivers]
    if loaded.rules:
        found.notes.append(_GENERAL)
    return found


def _note(found: ExportedPolicy, rule_id: str, text: str) -> None:
    found.notes.append(f"rule {rule_id}: {text}")


class _Statement:
    """The statement that the parts about one key lead to. The first part decides the spelling."""

    def __init__(self, found: ExportedPolicy, parts: list[KeyPart]) -> None:
        self._found = found
        self._key = parts[0].key
        self._parts = [part for part in parts if self._has_key(part)]

    def build(self) -> TagStatement | None:
        values = self._values()
        checked = values is not None or any(part.checks_key for part in self._parts)
        exact = [p for p in self._parts if p.required_for and not p.any_case]
        loose = [p for p in self._parts if p.required_for and p.any_case]
        if loose and (exact or (checked and self._key != self._key.lower())):
            for part in loose:
                text = "required: in AWS, another rule about this key decides how it is written"
                self._note(part, text)
            loose = []
        if not (checked or exact or loose):
            return None
        self._note_other_spellings(values)
        types = dict.fromkeys(text for part in (*exact, *loose) for text in part.required_for)
        return TagStatement(
            self._policy_key(),
            None if loose else self._key,
            values,
            tuple(types),
            self._enforced_for(),
        )

    def _has_key(self, part: KeyPart) -> bool:
        if part.key != self._key:
            text = f"{part.key} and {self._key} differ only in upper and lower case"
            self._note(part, f"{text}: a tag policy has one statement for both")
        return part.key == self._key

    def _values(self) -> tuple[str, ...] | None:
        """None for any value; an empty list wins, because the key is forbidden."""
        lists = [part.values for part in self._parts if part.values is not None]
        chosen = () if () in lists else next(iter(lists), None)
        for part in self._parts:
            if part.values is not None and part.values != chosen:
                self._note(part, "values: another rule about this key has other values")
        return chosen

    def _note_other_spellings(self, values: tuple[str, ...] | None) -> None:
        """AWS reports other spellings of a key that a statement spells out."""
        if values == ():
            for part in self._parts:
                if part.values == () and not part.any_case:
                    self._note(part, f"AWS forbids {self._key} in any upper and lower case")
        elif not any(part.checks_key for part in self._parts):
            for part in self._parts:
                if not part.any_case:
                    self._note(part, f"AWS also reports other spellings of {self._key}")

    def _policy_key(self) -> str:
        named = (part.aws.policy_key for part in self._parts if part.aws.policy_key)
        return next(named, self._key)

    def _enforced_for(self) -> tuple[str, ...]:
        lists = (part.aws.enforced_for or () for part in self._parts)
        return tuple(dict.fromkeys(text for texts in lists for text in texts))

    def _note(self, part: KeyPart, text: str) -> None:
        _note(self._found, part.rule_id, text)
