"""Validates an exposition before it is published: Prometheus rejects a scrape for one wrong line.

The validation shares no code with `exposition`, which writes the text: it matches each line against
a pattern and collects the series in a set.
"""

from __future__ import annotations

import re

_NAME = rb"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = rb'[a-zA-Z_][a-zA-Z0-9_]*+="[^"\\\n]*+(?:\\[\\"n][^"\\\n]*+)*+"'
_VALUE = rb"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|Inf)|NaN"
_SAMPLE = re.compile(rb"(%b(?:\{%b(?:,%b)*\})?) (?:%b)" % (_NAME, _LABEL, _LABEL, _VALUE))
_COMMENT = re.compile(rb"# (?:HELP %b [^\n]*|TYPE %b (?:gauge|counter|histogram))" % (_NAME, _NAME))
_MOST = 20

# All lines at once. Possessive quantifiers: no backtracking.
_WELL_FORMED = re.compile(
    rb"(?:%b(?:\{%b(?:,%b)*+\})?+ (?:%b)\n|%b\n)*+"
    % (_NAME, _LABEL, _LABEL, _VALUE, _COMMENT.pattern)
)


def faults_of(exposition: bytes) -> list[str]:
    """The first faults, by line; none if every line is well-formed and every series unique.

    Blind spot: label names and metric names are not compared with each other. They come from the
    metric table, in which they are unique.
    """
    try:
        exposition.decode()
    except UnicodeDecodeError as error:
        number = exposition.count(b"\n", 0, error.start) + 1
        return [f"line {number} is not valid UTF-8"]
    if _WELL_FORMED.fullmatch(exposition) and not _has_duplicates(exposition):
        return []
    faults: list[str] = []
    seen = set[bytes]()
    for number, line in enumerate(exposition.split(b"\n")[:-1], 1):
        sample = _SAMPLE.fullmatch(line)
        if sample is None and not _COMMENT.fullmatch(line):
            faults.append(f"line {number} is malformed: {_shown(line)}")
        elif sample is not None:
            series = sample.group(1)
            if series in seen:
                faults.append(f"line {number} is a second sample of {_shown(series)}")
            seen.add(series)
        if len(faults) >= _MOST:
            return faults
    if exposition and not exposition.endswith(b"\n"):
        faults.append("the last line does not end in a line feed")
    return faults


def _has_duplicates(exposition: bytes) -> bool:
    lines = exposition.split(b"\n")[:-1]
    series = [line.rpartition(b" ")[0] for line in lines if not line.startswith(b"#")]
    return len(set(series)) < len(series)


def _shown(line: bytes) -> str:
    return line[:120].decode("utf-8", "replace")
