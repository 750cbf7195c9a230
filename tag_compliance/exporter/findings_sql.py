"""A filter of findings as an SQL condition: the same findings as `FindingFilter.matches`.

Raises `BadQuery` for patterns that could take too long.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from tag_compliance.domain.report_filter import ALL_STATES, NO_OWNER, FindingFilter, type_pattern
from tag_compliance.errors import BadQuery

_IN_TAGS = "EXISTS (SELECT 1 FROM json_each(r.tags) t WHERE {})"
MAX_PATTERN, MAX_STARS = 300, 10

Condition = tuple[str, tuple[str, ...]]
"""An expression with question marks, and the values for them. Nothing that people write is part of
the expression."""


def where(chosen: FindingFilter, search: str = "") -> Condition:
    """The condition for `findings f JOIN resources r`."""
    parts = [*_conditions(chosen), *_search(search)]
    texts = [text for text, _ in parts] or ["TRUE"]
    return " AND ".join(texts), tuple(value for _, values in parts for value in values)


def _conditions(chosen: FindingFilter) -> Iterator[Condition]:
    if chosen.state != ALL_STATES:
        yield "f.state = ?", (chosen.state,)
    yield from _one_of("f.account_id", chosen.account_ids)
    yield from _one_of("f.region", chosen.regions)
    yield from _one_of("f.severity", chosen.severities)
    # The expression of the index; no finding has an empty owner.
    owners = tuple("" if owner == NO_OWNER else owner for owner in chosen.owners)
    yield from _one_of("ifnull(f.owner, '')", owners)
    yield from _any("f.rule GLOB ?", ((_glob(rule),) for rule in chosen.rules))
    types = ((_glob(type_pattern(text)),) for text in chosen.types)
    yield from _any("lower(f.resource_type) GLOB ?", types)
    below = "(f.ou_path = ? OR substr(f.ou_path, 1, length(?) + 1) = ? || '/')"
    yield from _any(below, ((ou, ou, ou) for ou in chosen.ous))
    # The search for the text of the pair is fast, and almost always exact.
    pair = f"(instr(r.tags, ?) > 0 AND {_IN_TAGS.format('t.key = ? AND t.atom = ?')})"
    yield from _any(pair, ((_pair(key, value), key, value) for key, value in chosen.tags))


def _search(search: str) -> Iterator[Condition]:
    """Anywhere in ARN, type, owner, rule, account or the value of a tag; ASCII case is ignored."""
    if not search:
        return
    if len(search) > MAX_PATTERN:
        raise BadQuery("q", f"must have at most {MAX_PATTERN} characters")
    columns = ("f.arn", "f.resource_type", "f.owner", "f.rule", "f.account_name")
    like = r"{} LIKE ? ESCAPE '\'"
    value = _IN_TAGS.format(like.format("t.atom"))
    quoted = json.dumps(search, ensure_ascii=False)[1:-1]
    in_tags = f"({like.format('r.tags')} AND {value})"
    text = " OR ".join([*map(like.format, columns), in_tags])
    pattern = _like(search)
    yield f"({text})", (*[pattern] * len(columns), _like(quoted), pattern)


def _one_of(column: str, values: tuple[str, ...]) -> Iterator[Condition]:
    if values:
        yield f"{column} IN ({', '.join('?' * len(values))})", values


def _any(text: str, values: Iterable[tuple[str, ...]]) -> Iterator[Condition]:
    listed = list(values)
    if listed:
        alternatives = " OR ".join([text] * len(listed))
        yield f"({alternatives})", tuple(value for group in listed for value in group)


def _glob(pattern: str) -> str:
    """SQLite's GLOB gives a meaning to `?` and `[`, too, and needs long for many stars."""
    if len(pattern) > MAX_PATTERN or pattern.count("*") > MAX_STARS:
        raise BadQuery("pattern", f"must have at most {MAX_PATTERN} characters, {MAX_STARS} stars")
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _like(text: str) -> str:
    for character in "\\%_":
        text = text.replace(character, f"\\{character}")
    return f"%{text}%"


def _pair(key: str, value: str) -> str:
    """The tag as it is in the JSON object."""
    return ":".join(json.dumps(text, ensure_ascii=False) for text in (key, value))
