"""The resource type that an Amazon Resource Name implies.

Format: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
Per service: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

UNKNOWN_TYPE = "unknown:unknown"
"""The resource type of a text that is not an ARN; such a resource is still counted."""

# Services whose ARN can be a bare name, and the type of the resource that has this name.
_TYPE_OF_BARE_NAME = {
    "codecommit": "repository",
    "codepipeline": "pipeline",
    "s3": "bucket",
    "sns": "topic",
    "sqs": "queue",
}

# wafv2 puts the scope before the type (`regional/webacl/…`), Greengrass V1 its own name
# (`/greengrass/groups/…`).
_TYPE_IS_SECOND = {"wafv2": ("regional", "global"), "greengrass": ("greengrass",)}

# Services whose ARNs begin with an id or a name that people chose, and the type of each ARN.
_ONLY_TYPE = {"execute-api": "api", "neptune-db": "database"}

# Services whose ARNs begin either with one of these types or with a name that people chose.
_ONLY_KINDS = {"mgh": ("progressUpdateStream",)}

_NO_TYPE = "unknown"
_PARTS = 6


def type_of(text: str) -> str:
    """`service:type` of an ARN, `UNKNOWN_TYPE` of a malformed one.

    The type of an ARN that does not name it is known for the services that issue such ARNs, and
    `unknown` for all others.
    """
    parts = text.split(":", _PARTS - 1)
    if len(parts) < _PARTS or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
        return UNKNOWN_TYPE
    service = parts[2]
    return f"{service}:{_type_in(service, parts[4], parts[5])}"


def without_wildcard(arn: str) -> str:
    """The ARN of a log group without `:*`, with which some APIs return it; any other unchanged."""
    is_log_group = arn.endswith(":*") and ":log-group:" in arn
    return arn.removesuffix(":*") if is_log_group else arn


def _type_in(service: str, account_id: str, resource: str) -> str:
    if service in _ONLY_TYPE:
        return _ONLY_TYPE[service]
    if service == "s3" and not account_id:
        # arn:aws:s3:::bucket and arn:aws:s3:::bucket/key: the slash does not follow a type.
        return "object" if "/" in resource else "bucket"
    if service == "codepipeline" and ":" not in resource:
        # name, name/stage and name/stage/action.
        return ("pipeline", "stage", "action")[min(resource.count("/"), 2)]
    if service == "sns" and "/" not in resource and ":" in resource:
        return "subscription"
    # API Gateway, SWF, Signer and Greengrass begin with a slash.
    kind, rest = _split_first(resource.removeprefix("/"))
    if service == "inspector2" and kind == "owner" and "/" in rest:
        kind, rest = _split_first(rest.partition("/")[2])  # owner/<id>/filter/<id>
    if kind in _TYPE_IS_SECOND.get(service, ()) and rest:
        kind, rest = _split_first(rest)
    if kind in _ONLY_KINDS.get(service, (kind,)) and kind and (rest or resource.startswith("/")):
        return kind
    return _TYPE_OF_BARE_NAME.get(service, _NO_TYPE)


def _split_first(text: str) -> tuple[str, str]:
    """Splits at the first colon or slash: `log-group:/a/b` has both."""
    slash, colon = text.find("/"), text.find(":")
    cut = max(slash, colon) if min(slash, colon) < 0 else min(slash, colon)
    return (text, "") if cut < 0 else (text[:cut], text[cut + 1 :])
