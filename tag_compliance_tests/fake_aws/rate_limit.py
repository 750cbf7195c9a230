"""AWS's own limit on the rate of calls."""

from tag_compliance_tests.fake_aws.calls import Call


class RateLimit:
    """A token bucket for each account and region, holding one second's worth."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._burst = max(1.0, per_second)
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def admits(self, call: Call) -> bool:
        key = (call.account_id, call.region)
        tokens, since = self._buckets.get(key, (self._burst, call.at))
        tokens = min(self._burst, tokens + (call.at - since) * self._per_second)
        is_admitted = tokens >= 1
        self._buckets[key] = (tokens - 1 if is_admitted else tokens, call.at)
        return is_admitted
