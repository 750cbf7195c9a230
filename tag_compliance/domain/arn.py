"""Amazon Resource Names: their parts, and the resource type that they imply.

Format: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
Per service: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from dataclasses import dataclass

from tag_compliance.errors import BadArn

UNKNOWN_TYPE = "unknown:unknown"
"""The resource type of a text that is no ARN; such a resource is still counted."""

# Services whose ARN may be a bare name, and what that name is the name of.
_TYPE_OF_BARE_NAME = {
    "codecommit": "repository",
    "codepipeline": "pipeline",
    "s3": "bucket",
    "sns": "topic",
    "sqs": "queue",
}

# wafv2 puts the scope first (`regional/webacl/…`), Greengrass V1 its own name
# (`/greengrass/groups/…`).
_TYPE_IS_SECOND = {"wafv2": ("regional", "global"), "greengrass": ("greengrass",)}

_NO_TYPE = "unknown"
_PARTS = 6


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN by AWS's names for its parts.

    `region` and `account_id` are empty where AWS leaves them out (S3 buckets, IAM, CloudFront).
    `resource_type` is never empty: the type of an ARN that names none is known for the services
    that issue such ARNs, and `unknown` for the rest.
    """

    partition: str
    service: str
    region: str
    account_id: str
    resource_type: str
    resource_id: str

    @property
    def full_type(self) -> str:
        """`service:type`, the form that exclusion patterns and metrics use."""
        return f"{self.service}:{self.resource_type}"


def parse_arn(text: str) -> Arn:
    """The parts of `text`; raises `BadArn` where it has not the form of an ARN."""
    parts = text.split(":", _PARTS - 1)
    if len(parts) < _PARTS:
        raise BadArn(text, "expected arn:partition:service:region:account-id:resource")
    prefix, partition, service, region, account_id, resource = parts
    if prefix != "arn":
        raise BadArn(text, "must begin with 'arn:'")
    if not partition or not service or not resource:
        raise BadArn(text, "partition, service and resource must not be empty")
    resource_type, resource_id = _split_resource(service, account_id, resource)
    return Arn(partition, service, region, account_id, resource_type, resource_id)


def type_of(text: str) -> str:
    """`service:type` of an ARN, or `UNKNOWN_TYPE`: `parse_arn` for the many, without the object."""
    parts = text.split(":", _PARTS - 1)
    if len(parts) < _PARTS or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
        return UNKNOWN_TYPE
    service = parts[2]
    return f"{service}:{_split_resource(service, parts[4], parts[5])[0]}"


def _split_resource(service: str, account_id: str, resource: str) -> tuple[str, str]:
    if service == "s3" and not account_id:
        # arn:aws:s3:::bucket and arn:aws:s3:::bucket/key: the slash divides no type.
        return ("object" if "/" in resource else "bucket"), resource
    if service == "codepipeline" and ":" not in resource:
        # name, name/stage and name/stage/action.
        return ("pipeline", "stage", "action")[min(resource.count("/"), 2)], resource
    if service == "sns" and "/" not in resource and ":" in resource:
        return "subscription", resource
    # API Gateway, SWF, Signer and Greengrass begin with a slash.
    rest = resource.removeprefix("/")
    kind, rest = _split_first(rest)
    if kind in _TYPE_IS_SECOND.get(service, ()) and rest:
        kind, rest = _split_first(rest)
    if kind and (rest or resource.startswith("/")):
        return kind, rest
    return _TYPE_OF_BARE_NAME.get(service, _NO_TYPE), resource


def _split_first(text: str) -> tuple[str, str]:
    """Divides at the first colon or slash: `log-group:/a/b` has both."""
    slash, colon = text.find("/"), text.find(":")
    cut = max(slash, colon) if min(slash, colon) < 0 else min(slash, colon)
    return (text, "") if cut < 0 else (text[:cut], text[cut + 1 :])
