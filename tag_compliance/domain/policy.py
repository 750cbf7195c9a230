"""What the company requires of tags, and which resource types it leaves out of account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Policy:
    """The required tag keys, in their configured order, and the exclusion patterns.

    Keys compare exactly: AWS tag keys are case-sensitive
    (https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html).
    """

    required_tags: tuple[str, ...]
    excluded_resource_types: tuple[str, ...] = ()

    @cached_property
    def _exclusions(self) -> tuple[re.Pattern[str], ...]:
        return tuple(_compiled(pattern) for pattern in self.excluded_resource_types)

    def excludes(self, resource_type: str) -> bool:
        """Whether a pattern matches `service:type`, letter case aside."""
        return any(pattern.search(resource_type) for pattern in self._exclusions)


def _compiled(pattern: str) -> re.Pattern[str]:
    """A bare word matches anywhere; a pattern with `:` or `*` matches the whole `service:type`."""
    if ":" in pattern or "*" in pattern:
        first, *rest = (re.escape(part) for part in pattern.split("*"))
        # Atomic: the first place where a middle part fits is as good as any; no second is tried.
        middle = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
        last = f".*{rest[-1]}" if rest else ""
        return re.compile(rf"\A{first}{middle}{last}\Z", re.IGNORECASE | re.DOTALL)
    return re.compile(re.escape(pattern), re.IGNORECASE)
