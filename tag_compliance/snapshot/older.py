"""A snapshot that is served although a newer one was published, which cannot be read."""

from __future__ import annotations

import re
from dataclasses import replace

from tag_compliance.domain.history.kinds import FAMILIES
from tag_compliance.snapshot.appendable_gzip import Appendable, compress
from tag_compliance.snapshot.store import Snapshot

_FAMILY = re.compile(
    rb"^# HELP (?:%b) [^\n]*\n(?:(?!# HELP )[^\n]*\n)*" % b"|".join(map(str.encode, FAMILIES)),
    re.MULTILINE,
)


def without_history(snapshot: Snapshot) -> Snapshot:
    """The snapshot without the metrics of the history, whose counters would step back."""
    plain = _FAMILY.sub(b"", snapshot.plain)
    if len(plain) == len(snapshot.plain):
        return snapshot
    samples = sum(not line.startswith(b"#") for line in plain.splitlines())
    status = replace(snapshot.status, samples=samples)
    return replace(snapshot, status=status, plain=plain, gzip=Appendable.of(compress(plain)))
