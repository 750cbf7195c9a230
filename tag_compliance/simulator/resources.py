"""The tagged resources of one account and region, and their JSON in a response of GetResources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SimulatedResource:
    """One resource and its tags; without tags, it is one whose tags were removed."""

    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def render(self) -> bytes:
        """Its JSON object in a response of GetResources."""
        mapping = {
            "ResourceARN": self.arn,
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }
        return json.dumps(mapping, separators=(",", ":"), ensure_ascii=False).encode()


class Resources(Protocol):
    """The resources of a region that GetResources returns, listed or generated."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[SimulatedResource]: ...

    def render(self, start: int, stop: int) -> bytes:
        """The JSON objects from start to stop, separated by commas, without the brackets."""
        ...


class ListedResources:
    """Resources that are added one by one, and rendered when they are added."""

    def __init__(self) -> None:
        self._resources: list[SimulatedResource] = []
        self._rendered: list[bytes] = []

    def __len__(self) -> int:
        return len(self._resources)

    def __iter__(self) -> Iterator[SimulatedResource]:
        return iter(self._resources)

    def append(self, resource: SimulatedResource) -> None:
        """Add one at the end."""
        self._resources.append(resource)
        self._rendered.append(resource.render())

    def render(self, start: int, stop: int) -> bytes:
        """As in `Resources`."""
        return b",".join(self._rendered[start:stop])
