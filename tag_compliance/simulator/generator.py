"""Large organizations from a seed. Their memory depends on the number of regions, not of resources.

A template is the JSON of one resource with placeholders for account, region and partition, and one
`%08x` for its serial number. Regions share the templates and start at different ones. A region
replaces the placeholders once, and the serial numbers for each page.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tag_compliance.simulator.explorer_index import SimulatedIndex
from tag_compliance.simulator.organization import Organization, SimulatedResource

REQUIRED_TAGS = ("Owner", "Environment", "CostCenter", "Project")

_TEMPLATES = 200
_CHUNK = 100
_PRINCIPALS, _ONE_USER_IN = 30, 10
_GROUPS = 5
_NATIVE_TAGS = 40
_AWS_OWNED_ROLES = (
    "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
    "role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport",
    "role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Administrator_0123456789abcdef",
)

_SHARE_WITHOUT_TAGS = 0.12
_SHARE_NOT_COMPLIANT = 0.45
_HOME_REGIONS = frozenset({"us-east-1", "us-gov-west-1", "cn-northwest-1"})

_REGIONAL = "arn:@PARTITION@:{service}:@REGION@:@ACCOUNT@:{resource}"
_REGIONAL_KINDS = {
    _REGIONAL.format(service=service, resource=resource): weight
    for service, resource, weight in (
        ("ec2", "instance/i-0c4f1a2b3%08x", 16),
        ("ec2", "volume/vol-07d2e9f41%08x", 14),
        ("ec2", "security-group/sg-0b93a7c5d%08x", 8),
        ("lambda", "function:orders-%08x", 14),
        ("sqs", "orders-events-%08x", 8),
        ("sns", "orders-alerts-%08x", 5),
        ("logs", "log-group:/aws/lambda/orders-%08x", 12),
        ("elasticloadbalancing", "loadbalancer/app/orders/50dc6c49%08x", 4),
        ("elasticloadbalancing", "targetgroup/orders/73e2d6bc%08x", 4),
        ("rds", "db:orders-%08x", 4),
        ("dynamodb", "table/orders-%08x", 4),
        ("ecs", "task/orders/1dc5c17a423748bc93e0f1d7%08x", 5),
        ("kms", "key/6f2d3a54-8c1b-4e07-9d35-1f0a%08x", 3),
        ("secretsmanager", "secret:orders/%08x-Ab3dEf", 3),
    )
} | {"arn:@PARTITION@:s3:::orders-@ACCOUNT@-@REGION@-%08x": 9}
_GLOBAL_KINDS = {
    "arn:@PARTITION@:cloudfront::@ACCOUNT@:distribution/E1QV%08x": 2,
    "arn:@PARTITION@:route53:::hostedzone/Z@ACCOUNT@%08x": 2,
}
_VALUES = {
    "Owner": ("payments", "platform", "search", "data-engineering", ""),
    "Environment": ("production", "staging", "development"),
    "CostCenter": ("4711", "4712", "0815"),
    "Project": ("checkout", "ledger", "catalogue", "Größe"),
}
_EXTRA_KEYS = ("Name", "ManagedBy", "aws:cloudformation:stack-name", "owner", "Backup", "Team")


@dataclass(frozen=True)
class GeneratedResources:
    """`count` resources, from the template at `offset` on; `names` replace the placeholders."""

    templates: Sequence[bytes]
    offset: int
    count: int
    names: tuple[tuple[bytes, bytes], ...]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[SimulatedResource]:
        for start in range(0, self.count, _CHUNK):
            for mapping in json.loads(b"[%b]" % self.render(start, start + _CHUNK)):
                tags = {tag["Key"]: tag["Value"] for tag in mapping["Tags"]}
                yield SimulatedResource(mapping["ResourceARN"], tags)

    def render(self, start: int, stop: int) -> bytes:
        """As in `Resources`."""
        serials = range(start, min(stop, self.count))
        named = self._named_templates
        total = len(named)
        first = self.offset + start
        page = b",".join([named[(first + i) % total] for i in range(len(serials))])
        return page % tuple(serials)

    @cached_property
    def _named_templates(self) -> list[bytes]:
        text = b"\n".join(self.templates)
        for placeholder, name in self.names:
            text = text.replace(placeholder, name)
        return text.split(b"\n")


def generate_organization(
    accounts: int,
    regions: Sequence[str],
    resources_per_region: int,
    seed: int = 0,
    tags_per_resource: int = 5,
) -> Organization:
    """Accounts with the ids 100000000000, 100000000001, …; equal arguments, equal resources.

    All regions are in the partition of the first.
    """
    rng = random.Random(seed)  # noqa: S311 - nothing is secret here
    regional = _templates(rng, _REGIONAL_KINDS, tags_per_resource)
    home = _templates(rng, _REGIONAL_KINDS | _GLOBAL_KINDS, tags_per_resource)
    organization = Organization()
    partition = _partition_of(regions[0])
    for number in range(accounts):
        account = organization.add_account(f"{100_000_000_000 + number}", partition=partition)
        for region in regions:
            account.regions[region] = GeneratedResources(
                templates=home if region in _HOME_REGIONS else regional,
                offset=rng.randrange(_TEMPLATES),
                count=resources_per_region,
                names=(
                    (b"@ACCOUNT@", account.account_id.encode()),
                    (b"@REGION@", region.encode()),
                    (b"@PARTITION@", account.partition.encode()),
                ),
            )
    _add_native_resources(organization, regions, seed, tags_per_resource)
    return organization


def add_never_tagged(organization: Organization, regions: Sequence[str], per_region: int) -> None:
    """Adds resources that never had a tag, and an index of Resource Explorer in each region."""
    for account in organization:
        for region in regions:
            account.explorer[region] = SimulatedIndex()
            prefix = f"arn:{account.partition}:sqs:{region}:{account.account_id}:never-tagged"
            for number in range(per_region):
                account.put_never_tagged(region, f"{prefix}-{number:06}")


def _add_native_resources(
    organization: Organization, regions: Sequence[str], seed: int, tags_per_resource: int
) -> None:
    """Roles and users, some of which AWS owns, and Auto Scaling groups."""
    rng = random.Random(f"native/{seed}")  # noqa: S311 - nothing is secret here
    tags = itertools.cycle([_tags(rng, tags_per_resource) for _ in range(_NATIVE_TAGS)])
    for account in organization:
        for name in _AWS_OWNED_ROLES:
            account.put_principal(name)
        for number in range(_PRINCIPALS):
            kind = "role" if number % _ONE_USER_IN else "user/people"
            account.put_principal(f"{kind}/orders-{number:04}", next(tags))
        for region in regions:
            for number in range(_GROUPS):
                account.put_auto_scaling_group(region, f"orders-{number:04}", next(tags))


def _partition_of(region: str) -> str:
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws-cn" if region.startswith("cn-") else "aws"


def _templates(rng: random.Random, kinds: dict[str, int], tags: int) -> tuple[bytes, ...]:
    arns = rng.choices(list(kinds), weights=list(kinds.values()), k=_TEMPLATES)
    return tuple(SimulatedResource(arn, _tags(rng, tags)).render() for arn in arns)


def _tags(rng: random.Random, count: int) -> dict[str, str]:
    """55 % have all required tags, a third has some of them, the rest has no tags."""
    chance = rng.random()
    if chance < _SHARE_WITHOUT_TAGS:
        return {}
    required = list(REQUIRED_TAGS)
    if chance < _SHARE_NOT_COMPLIANT:
        required = rng.sample(required, rng.randrange(len(required)))
    tags = {key: rng.choice(_VALUES[key]) for key in required[:count]}
    extra_keys = itertools.chain(_EXTRA_KEYS, (f"Extra{n}" for n in itertools.count(1)))
    tags.update(dict.fromkeys(itertools.islice(extra_keys, count - len(tags)), "orders"))
    return tags
