"""The rate of calls that AWS allows."""

from __future__ import annotations

from tag_compliance.simulator.service import Call


class RateLimit:
    """A token bucket for each account and region. It holds the calls of one second."""

    def __init__(self, calls_per_second: float) -> None:
        self._calls_per_second = calls_per_second
        self._burst = max(1.0, calls_per_second)
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def admits(self, call: Call) -> bool:
        """Count a call; False if AWS would throttle it."""
        key = (call.account_id, call.region)
        tokens, since = self._buckets.get(key, (self._burst, call.at))
        tokens = min(self._burst, tokens + (call.at - since) * self._calls_per_second)
        is_admitted = tokens >= 1
        self._buckets[key] = (tokens - 1 if is_admitted else tokens, call.at)
        return is_admitted
