"""A filter of findings as an SQL condition: the same findings as `FindingFilter.matches`.

Patterns are compared with the values that occur, of which there are few, and not with each finding:
the condition has values only, for which there are indexes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from tag_compliance.domain.report_filter import ALL_STATES, NO_OWNER, FindingFilter
from tag_compliance.errors import BadQuery
from tag_compliance.exporter.findings_values import KnownValues
from tag_compliance.snapshot.findings_schema import SORT_KEYS, severity_rank

_IN_TAGS = "EXISTS (SELECT 1 FROM json_each(r.tags) t WHERE {})"
_FROM_JSON = "SELECT value FROM json_each(?)"
MAX_PATTERN, MAX_STARS = 300, 10
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

Condition = tuple[str, tuple[str | int, ...]]
"""An expression with question marks, and the values for them. Nothing that people write is part of
the expression."""


def all_of(parts: Iterable[Condition]) -> Condition:
    listed = [*parts]
    texts = [text for text, _ in listed] or ["TRUE"]
    return " AND ".join(texts), tuple(value for _, values in listed for value in values)


def one_of(column: str, values: Sequence[str | int]) -> Condition:
    return f"{column} IN ({', '.join('?' * len(values))})", tuple(values)


def conditions(chosen: FindingFilter, known: KnownValues) -> Iterator[Condition]:
    """The conditions for `findings f` of a filter, except those of `tags`.

    Raises `BadQuery` for patterns that are too long.
    """
    if chosen.state != ALL_STATES:
        yield "f.state = ?", (chosen.state,)
    if chosen.account_ids or chosen.ous:
        accounts = (a for a in known.accounts if chosen.has_account(a.account_id, a.ou_path))
        yield one_of("f.account_id", [a.account_id for a in accounts])
    if chosen.regions:
        yield one_of("f.region", chosen.regions)
    if chosen.severities:
        yield one_of(SORT_KEYS["severity"], [*map(severity_rank, chosen.severities)])
    if chosen.owners:
        owners = ["" if owner == NO_OWNER else owner for owner in chosen.owners]
        yield one_of(SORT_KEYS["owner"], owners)
    if chosen.rules:
        _check_patterns(chosen.rules)
        yield one_of("f.rule", [*filter(chosen.has_rule, known.rules)])
    if chosen.types:
        _check_patterns(chosen.types)
        yield one_of("f.resource_type", [*filter(chosen.has_type, known.types)])


def has_resource(resource_ids: str) -> Condition:
    """The findings of the resources in a JSON list."""
    return _in_json("f.resource", resource_ids)


def has_search(search: str, known: KnownValues, resource_ids: str) -> Condition:
    """The findings that a search finds: anywhere in ARN, type, owner, rule, account or the value of
    a tag; ASCII case is ignored.

    `resource_ids` is the JSON list of the resources that `with_text` finds.
    """
    accounts = [a.account_id for a in known.accounts if contains(a.account_name, search)]
    lists = {
        "f.resource_type": [text for text in known.types if contains(text, search)],
        SORT_KEYS["owner"]: [text for text in known.owners if contains(text, search)],
        "f.rule": [text for text in known.rules if contains(text, search)],
        "f.account_id": accounts,
    }
    parts = [has_resource(resource_ids)]
    parts += [_in_json(column, json.dumps(found)) for column, found in lists.items() if found]
    return f"({' OR '.join(text for text, _ in parts)})", tuple(v for _, (v,) in parts)


def with_text(search: str) -> Condition:
    """The condition for `resources r`: the text is in the ARN or in the value of a tag."""
    if len(search) > MAX_PATTERN:
        raise BadQuery("q", f"must have at most {MAX_PATTERN} characters")
    like = r"{} LIKE ? ESCAPE '\'"
    value = _IN_TAGS.format(like.format("t.atom"))
    quoted = json.dumps(search, ensure_ascii=False)[1:-1]
    text = f"({like.format('r.arn')} OR ({like.format('r.tags')} AND {value}))"
    return text, (_like(search), _like(quoted), _like(search))


def with_tags(tags: Sequence[tuple[str, str]]) -> Condition:
    """The condition for `resources r`: it has one of these pairs of a key and a value."""
    # The search for the text of the pair is fast, and almost always exact.
    pair = f"(instr(r.tags, ?) > 0 AND {_IN_TAGS.format('t.key = ? AND t.atom = ?')})"
    values = (text for key, value in tags for text in (_pair(key, value), key, value))
    return " OR ".join([pair] * len(tags)), tuple(values)


def contains(text: str, search: str) -> bool:
    """As SQLite's LIKE compares: only ASCII letters have no case."""
    return search.translate(_ASCII_LOWER) in text.translate(_ASCII_LOWER)


def _in_json(column: str, values: str) -> Condition:
    return f"{column} IN ({_FROM_JSON})", (values,)


def _check_patterns(patterns: Iterable[str]) -> None:
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN or pattern.count("*") > MAX_STARS:
            raise BadQuery(
                "pattern", f"must have at most {MAX_PATTERN} characters, {MAX_STARS} stars"
            )


def _like(text: str) -> str:
    for character in "\\%_":
        text = text.replace(character, f"\\{character}")
    return f"%{text}%"


def _pair(key: str, value: str) -> str:
    """The tag as it is in the JSON object."""
    return ":".join(json.dumps(text, ensure_ascii=False) for text in (key, value))
