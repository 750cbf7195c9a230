"""The scans to measure, each named by its size: `scan-20x4x1000@0.08+baseline`."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from dataclasses import dataclass

REGIONS = (
    *("us-east-1", "eu-west-1", "us-west-2", "ap-southeast-1", "eu-central-1", "us-east-2"),
    *("ap-northeast-1", "ca-central-1", "eu-west-2", "sa-east-1", "eu-north-1", "us-west-1"),
)
_PATTERN = re.compile(r"(?:scan-)?(\d+)x(\d+)x(\d+)(?:@([\d.]+))?((?:\+[a-z]+)*)")
_OPTIONS = {"baseline", "tls", "unlimited"}


@dataclass(frozen=True, slots=True)
class ScanCase:
    """`resources` in each of `regions` of each of `accounts`; each call takes `latency` seconds.

    `baseline`: the sequential exporter is also measured. `tls`: the same scan is also measured
    over TLS. `unlimited`: the configuration switches the rate limit off.
    """

    accounts: int
    regions: int
    resources: int
    latency: float = 0.0
    baseline: bool = False
    tls: bool = False
    unlimited: bool = False

    @classmethod
    def parse(cls, text: str) -> ScanCase:
        """Raises `ArgumentTypeError` if the text is malformed."""
        found = _PATTERN.fullmatch(text)
        options = set(found.group(5).split("+")[1:]) if found else set()
        if found is None or options - _OPTIONS or int(found.group(2)) > len(REGIONS):
            form = "ACCOUNTSxREGIONSxRESOURCES[@LATENCY][+baseline][+tls][+unlimited]"
            raise ArgumentTypeError(
                f"{text!r} is malformed: write {form}, with at most {len(REGIONS)} regions"
            )
        accounts, regions, resources = (int(found.group(n)) for n in (1, 2, 3))
        latency = float(found.group(4) or 0)
        return cls(accounts, regions, resources, latency, **dict.fromkeys(options, True))

    @property
    def name(self) -> str:
        size = f"{self.accounts:,} × {self.regions} × {self.resources:,}"
        return f"{size} at {self.latency * 1000:g} ms"

    @property
    def total(self) -> int:
        return self.accounts * self.regions * self.resources

    @property
    def pages(self) -> int:
        return self.accounts * self.regions * max(1, -(-self.resources // 100))


DEFAULT_CASES = (
    "scan-20x4x1000@0.08+baseline",
    "scan-1x1x100000@0+baseline+unlimited",
    "scan-200x5x1000@0.08+tls",
)
