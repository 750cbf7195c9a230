"""Resources that AWS creates and owns: nobody in the company can be asked to tag them.

They are recognized by their ARNs alone. Tags with the prefix `aws:` are no sign, because
CloudFormation puts them on resources of the company. What only a describe call would reveal
(default VPCs and their subnets, security groups and network ACLs, network interfaces that a service
manages, KMS keys of AWS, EventBridge rules with `ManagedBy`) is not recognized.

Service-linked roles, for example:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tag_compliance.domain.globs import regex_of_glob
from tag_compliance.domain.resources import flags_by_text

AWS_OWNED: dict[str, tuple[str, ...]] = {
    "access-analyzer:analyzer": ("analyzer/_AccessAnalyzerForSecurityHub*",),
    "apprunner:autoscalingconfiguration": ("autoscalingconfiguration/DefaultConfiguration/*",),
    "athena:datacatalog": ("datacatalog/AwsDataCatalog",),
    "athena:workgroup": ("workgroup/primary",),
    "backup:backup-vault": ("backup-vault:aws/*",),
    "config:config-rule": ("config-rule/aws-service-rule/*",),
    "ecs:capacity-provider": ("capacity-provider/FARGATE", "capacity-provider/FARGATE_SPOT"),
    "elasticache:parametergroup": ("parametergroup:default.*",),
    "elasticache:user": ("user:default",),
    "events:event-bus": ("event-bus/default",),
    "events:rule": ("rule/DO-NOT-DELETE-*",),
    "iam:mfa": ("mfa/root-account-mfa-device",),
    "iam:role": ("role/aws-service-role/*", "role/aws-reserved/*"),
    "iam:saml-provider": ("saml-provider/AWSSSO_*_DO_NOT_DELETE",),
    "memorydb:acl": ("acl/open-access",),
    "memorydb:parametergroup": ("parametergroup/default.*",),
    "memorydb:user": ("user/default",),
    "rds:cluster-pg": ("cluster-pg:default.*",),
    "rds:og": ("og:default:*",),
    "rds:pg": ("pg:default.*",),
    "resource-explorer-2:index": ("index/*",),
    "resource-explorer-2:view": ("view/*",),
    "s3:storage-lens": ("storage-lens/default-account-dashboard",),
    "ssm:parameter": ("parameter/inspector-aws/*",),
    "xray:sampling-rule": ("sampling-rule/Default",),
}
"""By resource type, as `arn.type_of` returns it: the last part of the ARNs, case-sensitive; `*`
matches any characters. `docs/configuration.md` has the same list.

AWS permits most of these names only for itself: the paths of its roles, a dot or a colon in the
name of a parameter or option group, an underscore at the beginning of an analyzer's name. People
could use these, too: `rule/DO-NOT-DELETE-*`, `parameter/inspector-aws/*`, and an index or a view of
Resource Explorer, which can also come into being by a search.
"""

_MANAGED_POLICY = "iam:policy"
_OF_MANAGED_POLICY = "arn:[^:]*:iam::aws:policy/.*"
"""The policies that AWS shares with every account: their account id is `aws`."""


def aws_owned_rows(table: pa.Table) -> NDArray[np.bool_]:
    """For each row of a table of `RESOURCE_SCHEMA` whether AWS owns the resource."""
    owned = np.zeros(len(table), dtype=bool)
    if len(table) == 0:
        return owned
    candidate_types = AWS_OWNED.keys() | {_MANAGED_POLICY}
    is_candidate = flags_by_text(table["resource_type"], lambda text: text in candidate_types)
    # Few resources have such a type, so few ARNs are compared.
    candidates = np.flatnonzero(is_candidate)
    arns = table["arn"].take(pa.array(candidates))
    found = pc.match_substring_regex(arns, _of_arn())
    owned[candidates[found.to_numpy()]] = True
    return owned


@cache
def _of_arn() -> str:
    """The regular expression (RE2) of all ARNs that AWS owns."""
    forms = [
        f"arn:[^:]*:{service}:[^:]*:[^:]*:{regex_of_glob(pattern)}"
        for resource_type, patterns in AWS_OWNED.items()
        for service in [re.escape(resource_type.partition(":")[0])]
        for pattern in patterns
    ]
    return rf"(?s)\A(?:{'|'.join([*forms, _OF_MANAGED_POLICY])})\z"
