"""The calls that the fake received."""

import threading
from collections.abc import Iterator

from tag_compliance.simulator.service import Call


class CallLog:
    """Calls in the order of their arrival; with `enabled=False` it stays empty."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._calls: list[Call] = []
        self._changed = threading.Condition()

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def record(self, call: Call) -> None:
        if self._enabled:
            with self._changed:
                self._calls.append(call)
                self._changed.notify_all()

    def matching(
        self,
        operation: str | None = None,
        account_id: str | None = None,
        region: str | None = None,
    ) -> list[Call]:
        return [
            call
            for call in self
            if operation in (None, call.operation)
            and account_id in (None, call.account_id)
            and region in (None, call.region)
        ]

    def count(
        self,
        operation: str | None = None,
        account_id: str | None = None,
        region: str | None = None,
    ) -> int:
        return len(self.matching(operation, account_id, region))

    def wait_for(self, operation: str, count: int = 1, timeout: float = 10.0) -> bool:
        """Whether so many calls of the operation arrive within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count(operation) >= count, timeout)
