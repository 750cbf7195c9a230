"""AWS tag policies: their statements, without the operators that merge several documents.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_example-tag-policies.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

MOST_CHARACTERS = 10_000
"""Of one document; an effective policy, which merges several, may have more:
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""

ALL_SUPPORTED = "ALL_SUPPORTED"
"""In place of a type: every type of the service that tag policies support."""

RESOURCE_TYPE = re.compile(r"[^:*\s]+:(?:[^:*\s][^*\s]*|\*)")
"""`service:type`; older documents have `service:*` for `ALL_SUPPORTED`."""

RULE_OF_TYPE = f"must be a type, such as ec2:instance, or ec2:{ALL_SUPPORTED}"


@dataclass(frozen=True, slots=True)
class TagStatement:
    """What a tag policy says about one tag key.

    `policy_key` names the statement; it is the tag key, upper and lower case aside. Without
    `tag_key`, the lower-case form is expected. `values` may have one `*` each; None: any value;
    none: no resource may have the tag. For `required_for`, types as in `ec2:instance` or
    `ec2:ALL_SUPPORTED`, resources without the tag are reported. Operations that break the
    statement are blocked for `enforced_for`.
    """

    policy_key: str
    tag_key: str | None = None
    values: tuple[str, ...] | None = None
    required_for: tuple[str, ...] = ()
    enforced_for: tuple[str, ...] = ()

    @property
    def expected_key(self) -> str:
        return self.tag_key or self.policy_key.lower()

    def to_json(self) -> dict[str, Any]:
        """The statement in a document that can be attached: it assigns each field."""
        fields: dict[str, Any] = {}
        if self.tag_key is not None:
            fields["tag_key"] = {"@@assign": self.tag_key}
        if self.values is not None:
            fields["tag_value"] = {"@@assign": list(self.values)}
        if self.enforced_for:
            fields["enforced_for"] = {"@@assign": list(self.enforced_for)}
        if self.required_for:
            fields["report_required_tag_for"] = {"@@assign": list(self.required_for)}
        return fields


@dataclass(frozen=True, slots=True)
class TagPolicy:
    """The statements, whose policy keys differ in more than upper and lower case."""

    statements: tuple[TagStatement, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document that can be attached to the root, a unit or an account."""
        return {"tags": {s.policy_key: s.to_json() for s in self.statements}}
