"""One row of every report: the columns, their order, and their form as text.

Only the standard library is used here, so that the exporter shows the same rows as the pipeline.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, Self
from urllib.parse import quote

_LIST_SEPARATOR = ";"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_PLAIN_ARN = re.compile("[A-Za-z0-9:/_.~-]*")


class ReportRow(NamedTuple):
    """A finding, with everything that a person needs to act on it.

    The fields are the columns of every report, of the table `findings` of the findings database and
    of the API, in this order. `region` is the region that was read; `ou_path` is without the root;
    `tag` is the key that the rule is about, several keys are joined by `|`. `age_days` are full
    days from `opened_at` to `snapshot_time`. A value of `tags` is None if values are not shown.
    """

    snapshot_time: datetime
    account_id: str
    account_name: str
    ou_path: str
    region: str
    service: str
    resource_type: str
    arn: str
    rule: str
    severity: str
    codes: tuple[str, ...]
    tag: str
    state: str
    waiver: str | None
    waiver_expires: date | None
    opened_at: datetime | None
    age_days: int | None
    owner: str | None
    owner_source: str
    source: str
    tags: Mapping[str, str | None]
    console_url: str | None

    def to_record(self) -> tuple[str | int | None, ...]:
        """The row with text for each list, map and time: what SQLite stores and CSV contains."""
        expires, opened_at = self.waiver_expires, self.opened_at
        text = {
            "snapshot_time": format_time(self.snapshot_time),
            "codes": format_list(self.codes),
            "waiver_expires": None if expires is None else expires.isoformat(),
            "opened_at": None if opened_at is None else format_time(opened_at),
            "tags": format_tags(self.tags),
        }
        record: list[Any] = [*self]
        for name, value in text.items():
            record[_PLACE[name]] = value
        return tuple(record)

    @classmethod
    def from_record(cls, record: tuple[str | int | None, ...]) -> Self:
        """The row of a record that `to_record` returned; times have a resolution of one second."""
        values: dict[str, Any] = dict(zip(COLUMNS, record, strict=True))
        expires, opened_at = values["waiver_expires"], values["opened_at"]
        values["snapshot_time"] = datetime.fromisoformat(values["snapshot_time"])
        values["codes"] = tuple(filter(None, values["codes"].split(_LIST_SEPARATOR)))
        values["waiver_expires"] = expires and date.fromisoformat(expires)
        values["opened_at"] = opened_at and datetime.fromisoformat(opened_at)
        values["tags"] = json.loads(values["tags"])
        return cls(**values)


COLUMNS: tuple[str, ...] = ReportRow._fields
_PLACE = {name: place for place, name in enumerate(COLUMNS)}

ORDER = ("account_id", "region", "resource_type", "arn", "rule")
"""The order of the rows of a report, by code point."""


@lru_cache(maxsize=1_024)
def format_time(moment: datetime) -> str:
    """For example `2026-05-04T12:00:00Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def format_list(texts: tuple[str, ...]) -> str:
    return _LIST_SEPARATOR.join(texts)


def format_tags(tags: Mapping[str, str | None]) -> str:
    """The tags as a JSON object, in the order of their keys."""
    return _encode(tags)


@dataclass(frozen=True, slots=True)
class ConsoleLink:
    """The AWS access portal through which people reach the console of an account.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/createshortcutlink.html
    """

    start_url: str
    role_name: str


def console_url(arn: str, account_id: str, link: ConsoleLink | None = None) -> str | None:
    """The page of a resource in the AWS console; None outside of the partition `aws`.

    Blind spot: AWS does not document this address. For types that it does not know, the console
    shows an error page.
    """
    if not arn.startswith("arn:aws:"):
        return None
    # Most ARNs need nothing else: this is five times as fast as `quote`.
    is_plain = _PLAIN_ARN.fullmatch(arn)
    quoted = arn.replace(":", "%3A").replace("/", "%2F") if is_plain else quote(arn, safe="")
    page = f"https://console.aws.amazon.com/go/view?arn={quoted}"
    if link is None:
        return page
    return (
        f"{link.start_url.rstrip('/')}/#/console?account_id={account_id}"
        f"&role_name={quote(link.role_name, safe='')}&destination={quote(page, safe='')}"
    )
