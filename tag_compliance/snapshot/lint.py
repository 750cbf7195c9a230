"""Whether an exposition is one that Prometheus takes: looked at line by line before it is trusted.

A last look at what `exposition` has written, by other means: a pattern for the form of a line, a
set for the series. Prometheus refuses a scrape for one line that it cannot read.
"""

from __future__ import annotations

import re

_NAME = rb"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = rb'[a-zA-Z_][a-zA-Z0-9_]*+="[^"\\\n]*+(?:\\[\\"n][^"\\\n]*+)*+"'
_VALUE = rb"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|Inf)|NaN"
_SAMPLE = re.compile(rb"(%b(?:\{%b(?:,%b)*\})?) (?:%b)" % (_NAME, _LABEL, _LABEL, _VALUE))
_COMMENT = re.compile(rb"# (?:HELP %b [^\n]*|TYPE %b gauge)" % (_NAME, _NAME))
_MOST = 20

# All lines in one go. Possessive: nothing that has matched once is tried otherwise.
_WELL_FORMED = re.compile(
    rb"(?:%b(?:\{%b(?:,%b)*+\})?+ (?:%b)\n|%b\n)*+"
    % (_NAME, _LABEL, _LABEL, _VALUE, _COMMENT.pattern)
)


def faults_of(exposition: bytes) -> list[str]:
    """The first faults, by line; none for an exposition that is well-formed and free of doubles."""
    if _WELL_FORMED.fullmatch(exposition) and not _has_doubles(exposition):
        return []
    faults: list[str] = []
    seen = set[bytes]()
    for number, line in enumerate(exposition.split(b"\n")[:-1], 1):
        sample = _SAMPLE.fullmatch(line)
        if sample is None and not _COMMENT.fullmatch(line):
            faults.append(f"line {number} has not the format's form: {_shown(line)}")
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


def _has_doubles(exposition: bytes) -> bool:
    lines = exposition.split(b"\n")[:-1]
    series = [line.rpartition(b" ")[0] for line in lines if not line.startswith(b"#")]
    return len(set(series)) < len(series)


def _shown(line: bytes) -> str:
    return line[:120].decode("utf-8", "replace")
