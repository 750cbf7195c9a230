"""Compares the samples of the contract metrics in two expositions.

    python -m benchmarks.compare A.txt B.txt

Runs in its own process, because it holds both sets of samples in memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tag_compliance.domain.metrics import CONTRACT_METRICS

_NAMES = frozenset(metric.name.encode() for metric in CONTRACT_METRICS)

Sample = tuple[bytes, frozenset[bytes], float]


def samples(exposition: Path) -> set[Sample]:
    found = set()
    with exposition.open("rb") as lines:
        for line in lines:
            name, _, rest = line.partition(b"{")
            if name not in _NAMES:
                continue
            labels, value = rest.rsplit(b"} ", 1)
            # The programs write the labels of a family in different orders.
            found.add((name, frozenset(labels.split(b",")), round(float(value), 9)))
    return found


def main() -> None:
    ours, theirs = (samples(Path(name)) for name in sys.argv[1:3])
    print(json.dumps({"samples": len(ours), "differ": len(ours ^ theirs)}))


if __name__ == "__main__":
    main()
