"""The tagged resources of one account and region, and their JSON as the tagging API writes it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FakeResource:
    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def render(self) -> bytes:
        mapping = {
            "ResourceARN": self.arn,
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }
        return json.dumps(mapping, separators=(",", ":"), ensure_ascii=False).encode()


class Resources(Protocol):
    """What a region holds, whether listed by a test or generated."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[FakeResource]: ...

    def render(self, start: int, stop: int) -> bytes:
        """The JSON objects from start to stop, separated by commas, without the brackets."""


class ListedResources:
    """Resources put one by one, rendered once, when they are put."""

    def __init__(self) -> None:
        self._resources: list[FakeResource] = []
        self._rendered: list[bytes] = []

    def __len__(self) -> int:
        return len(self._resources)

    def __iter__(self) -> Iterator[FakeResource]:
        return iter(self._resources)

    def append(self, resource: FakeResource) -> None:
        self._resources.append(resource)
        self._rendered.append(resource.render())

    def render(self, start: int, stop: int) -> bytes:
        return b",".join(self._rendered[start:stop])
