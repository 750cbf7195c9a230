"""Which tags of a resource have to be set or removed so that its findings are fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tag_compliance.domain.report_row import ReportRow
from tag_compliance.domain.rule_keys import RuleKeys

VALUE = "VALUE"
"""What a person replaces by the value that the person chooses."""

_FORBIDDEN, _MISSING, _WRONG_KEY = "forbidden_key", "missing", "wrong_key"
_AWS_PREFIX = "aws:"

IsWrong = Callable[[str, str], bool]
"""Whether a rule (its id) rejects a value."""


@dataclass(frozen=True)
class TagChanges:
    """The tags to set, and the keys to remove; `notes` say in words what a person has to decide."""

    to_set: Mapping[str, str] = field(default_factory=dict)
    remove: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def keys(self) -> set[str]:
        return {*self.to_set, *self.remove}

    def applied(self, present: Iterable[str]) -> set[str]:
        """The keys after the change."""
        return {*present, *self.to_set} - self.remove


def changes_of(
    findings: Sequence[ReportRow],
    rules: Mapping[str, RuleKeys],
    is_wrong: IsWrong | None = None,
) -> TagChanges:
    """What fixes the findings of one resource, without a change of a value that is right.

    A finding that this cannot decide about has a note instead. `is_wrong` is None if values cannot
    be checked: then a rule that checks values gets the placeholder `VALUE`.
    """
    single = [(finding, _Finding(finding, rules, is_wrong).changes()) for finding in findings]
    kept = [_unless_contradicted(*one, single, rules) for one in single]
    values: dict[str, str] = {}
    for change in kept:
        for key, value in change.to_set.items():
            values[key] = value if values.get(key, value) == value else VALUE
    removed = frozenset(key for change in kept for key in change.remove)
    notes = dict.fromkeys(note for change in kept for note in change.notes)
    return TagChanges(dict(sorted(values.items())), removed, tuple(notes))


def _unless_contradicted(
    finding: ReportRow,
    change: TagChanges,
    others: Sequence[tuple[ReportRow, TagChanges]],
    rules: Mapping[str, RuleKeys],
) -> TagChanges:
    """The change, or a note if what another rule needs undoes it."""
    for other, opposite in others:
        keys = {*change.to_set} & opposite.remove | change.remove & {*opposite.to_set}
        if (rule := rules.get(finding.rule)) and _WRONG_KEY not in finding.codes:
            keys |= {*opposite.to_set} & {*rule.misspelled([*opposite.to_set])}
        elif rule:
            keys |= {*opposite.to_set} & {*rule.misspelled(change.applied(opposite.to_set))}
        if other.rule != finding.rule and (rule := rules.get(other.rule)):
            keys |= {*change.to_set} & {*rule.misspelled([*change.to_set])}
        if keys:
            names = _names(keys)
            text = f"{finding.rule} and {other.rule} contradict each other about {names}"
            return TagChanges(notes=(f"{text}: no command is possible",))
    return change


@dataclass(frozen=True)
class _Finding:
    """One finding and what is known about its rule."""

    row: ReportRow
    rules: Mapping[str, RuleKeys]
    is_wrong: IsWrong | None

    def changes(self) -> TagChanges:
        codes = {*self.row.codes}
        rule = self.rules.get(self.row.rule)
        if _FORBIDDEN in codes:
            found = self._removal()
        elif rule is None:
            found = self._note(f"correct {_names(self.row.tag.split('|'))}")
        else:
            found = self._of_spelling(rule) if _WRONG_KEY in codes else TagChanges()
            if not found.notes and not found.to_set and codes - {_WRONG_KEY}:
                more = self._of_value(rule)
                found = replace(more, remove=found.remove) if not more.notes else more
        if any(key.lower().startswith(_AWS_PREFIX) for key in found.keys):
            return self._note(f"only AWS can change {_names(found.keys)}")
        return found

    def _removal(self) -> TagChanges:
        keys = self.row.tag.split("|")
        present = {*self.row.tags}
        if any("|" in key for key in present) or not {*keys} <= present:
            return self._note(f"remove what is forbidden ({self.row.tag})")
        return TagChanges(remove=frozenset(keys))

    def _of_spelling(self, rule: RuleKeys) -> TagChanges:
        """The wrong spellings are removed; if the right key is absent, it gets their value."""
        wrong = rule.misspelled(self.row.tags)
        if not wrong or {*wrong} & {*rule.keys}:
            return self._note(f"remove the wrong spellings of {_names(rule.keys)}")
        if any(rule.accepted(self.row.tags)):
            return TagChanges(remove=frozenset(wrong))
        values = {self.row.tags[key] for key in wrong}
        return TagChanges({min(wrong.values()): self._moved(rule, values)}, frozenset(wrong))

    def _moved(self, rule: RuleKeys, values: set[str | None]) -> str:
        [value, *others] = values
        if value is None or others:
            return VALUE
        if rule.checks_values and (self.is_wrong is None or self.is_wrong(self.row.rule, value)):
            return VALUE
        return value

    def _of_value(self, rule: RuleKeys) -> TagChanges:
        """One key that is right is enough: the first that is present, or else the first."""
        accepted = [keys for keys in rule.accepted(self.row.tags) if keys]
        if not accepted:
            if _MISSING in self.row.codes:
                return TagChanges({rule.keys[0]: VALUE})
            return self._note(f"correct {_names(rule.keys)}")
        keys = min(accepted, key=len)
        wrong = keys if len(keys) == 1 else self._wrong_values(keys)
        if not wrong:
            return self._note(f"{_names(keys)} count as the same key: correct the wrong value")
        return TagChanges(dict.fromkeys(wrong, VALUE))

    def _wrong_values(self, keys: list[str]) -> list[str]:
        values = {key: self.row.tags[key] for key in keys}
        if self.is_wrong is None or None in values.values():
            return []
        return [k for k, v in values.items() if v is not None and self.is_wrong(self.row.rule, v)]

    def _note(self, text: str) -> TagChanges:
        return TagChanges(notes=(f"{self.row.rule} ({', '.join(self.row.codes)}): {text}",))


def _names(keys: Iterable[str]) -> str:
    return ", ".join(sorted(keys))
