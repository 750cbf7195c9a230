"""The resource types of the ARNs that AWS documents, and of malformed ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.arn import UNKNOWN_TYPE, type_of

# By the part of the ARN between service and resource; `|` ends the type.
_TYPE_FIRST = {
    "eu-west-1:111122223333": """
        access-analyzer:analyzer|/outside acm:certificate|/6f4e-11
        acm-pca:certificate-authority|/6f4e-11 airflow:environment|/etl
        amplify:apps|/d1/branches/main apprunner:service|/web/8fe1e10304f84fd2b0df550fe98a71fa
        appsync:apis|/abc athena:workgroup|/primary
        autoscaling:autoScalingGroup|:930d940e-891e:autoScalingGroupName/web
        backup:backup-vault|:Default batch:job-definition|/nightly:3
        cassandra:/keyspace|/shop/table/orders catalog:portfolio|/port-abc
        cloudformation:stack|/web/50d6f0a0-1 cloudtrail:trail|/all codebuild:project|/web
        codedeploy:deploymentgroup|:web/blue codepipeline:webhook|:on-push
        codepipeline:actiontype|:Custom/Build/Jenkins/1 cognito-idp:userpool|/eu-west-1_abc
        config:config-rule|/config-rule-abc dms:rep|:ABCDEF ds:directory|/d-12345
        dynamodb:table|/Orders ec2:instance|/i-0abc ec2:security-group|/sg-0abc
        ecr:repository|/team/web ecs:cluster|/web ecs:service|/web/front
        ecs:task|/web/0b69d5c0d655 ecs:task-definition|/front:17 eks:cluster|/prod
        eks:nodegroup|/prod/workers/8cb2-1 elasticache:replicationgroup|:sessions
        elasticbeanstalk:environment|/Shop/Shop-prod elasticfilesystem:file-system|/fs-0abc
        elasticloadbalancing:loadbalancer|/app/web/50dc6c49
        elasticloadbalancing:loadbalancer|/net/tcp/50dc6c49
        elasticloadbalancing:loadbalancer|/classic
        elasticloadbalancing:targetgroup|/web/73e2d6bc
        elasticloadbalancing:listener|/app/web/50dc/f2f7 elasticmapreduce:cluster|/j-ABC
        emr-serverless:/applications|/00abc es:domain|/search events:rule|/bus/nightly
        firehose:deliverystream|/clicks fsx:file-system|/fs-0abc glue:job|/etl
        grafana:/workspaces|/g-abc greengrass:components|:hello:versions:1.0.0
        guardduty:detector|/12abc imagebuilder:image|/base/1.0.0/1
        inspector:target|/0-abc/template/0-def iot:thing|/lamp kafka:cluster|/events/8fe1-2
        kinesis:stream|/clicks kms:key|/1234abcd-12ab lambda:function|:thumbnail
        lambda:layer|:numpy:3 lambda:event-source-mapping|:1234 lightsail:Instance|/1234
        logs:log-group|:/aws/lambda/thumbnail logs:log-group|:/aws/lambda/a:*
        logs:log-group|:plain:log-stream:2026/05/04/[1]abc memorydb:cluster|/sessions
        mq:broker|:orders:b-1234 network-firewall:stateful-rulegroup|/deny pipes:pipe|/orders
        rds:db|:orders rds:cluster-snapshot|:rds:orders-2026-05-04 redshift:cluster|:warehouse
        resource-groups:group|/web s3:accesspoint|/reports s3:storage-lens|/all
        s3-object-lambda:accesspoint|/redacted sagemaker:endpoint|/scores
        scheduler:schedule|/default/nightly secretsmanager:secret|:prod/db-a1b2c3
        servicecatalog:/applications|/0abc ses:identity|/example.com
        signer:/signing-profiles|/lambda sns:app|/GCM/mobile ssm:parameter|/prod/db/password
        states:stateMachine|:orders states:execution|:orders:1234 states:activity|:approve
        storagegateway:gateway|/sgw-1234 swf:/domain|/orders synthetics:canary|:login
        timestream:database|/metrics/table/cpu transfer:server|/s-1234
        workspaces:workspace|/ws-1234 xray:group|/slow/ABC
    """,
    ":111122223333": """
        budgets:budget|/monthly cloudfront:distribution|/EDFDVBD632BHDS5
        ecr-public:repository|/web globalaccelerator:accelerator|/1234
        iam:role|/service-role/worker iam:policy|/division/deploy
        organizations:account|/o-abc/111122223333 s3:accesspoint|/abc.mrap waf:webacl|/1234
    """,
    "eu-west-1:": """
        apigateway:/restapis|/a1b2c3 apigateway:/apis|/a1b2c3
        apigateway:/restapis|/a1b2c3/stages/prod apigateway:/domainnames|/api.example.com
        bedrock:foundation-model|/some.model-v1:0 ec2:image|/ami-0abc
    """,
    ":": """
        route53:hostedzone|/Z148QEXAMPLE8V sso:permissionSet|/ssoins-abc/ps-def
    """,
}

# The service, the rest of the ARN, and the type.
_OTHER_FORMS = [
    ("cloudwatch", "eu-west-1:111122223333:alarm:CPU: too high/low", "alarm"),
    ("codecommit", "eu-west-1:111122223333:my-repository", "repository"),
    ("codepipeline", "eu-west-1:111122223333:release", "pipeline"),
    ("codepipeline", "eu-west-1:111122223333:release/Build", "stage"),
    ("codepipeline", "eu-west-1:111122223333:release/Build/Compile", "action"),
    ("execute-api", "eu-west-1:111122223333:a1b2c3/prod/GET/orders", "api"),
    ("greengrass", "eu-west-1:111122223333:/greengrass/groups/abc", "groups"),
    ("inspector2", "eu-west-1:111122223333:owner/111122223333/filter/0a1b", "filter"),
    ("mgh", "eu-west-1:111122223333:my-stream/with/slashes", "unknown"),
    ("mgh", "eu-west-1:111122223333:progressUpdateStream/SMS/1", "progressUpdateStream"),
    ("neptune-db", "eu-west-1:111122223333:cluster-ABC/*", "database"),
    ("s3", "::my-bucket", "bucket"),
    ("s3", "::my-bucket/a/key:with=colons", "object"),
    ("sns", "eu-west-1:111122223333:alerts", "topic"),
    ("sns", "eu-west-1:111122223333:alerts.fifo", "topic"),
    ("sns", "eu-west-1:111122223333:alerts:8a21d249-4329", "subscription"),
    ("sqs", "eu-west-1:111122223333:orders.fifo", "queue"),
    ("wafv2", "eu-west-1:111122223333:regional/webacl/site/1234", "webacl"),
    ("wafv2", "us-east-1:111122223333:global/ipset/offices/1234", "ipset"),
]


def _cases() -> Iterator[tuple[str, str, str]]:
    for middle, listed in _TYPE_FIRST.items():
        for case in listed.split():
            service, _, resource = case.partition(":")
            type_ = resource.partition("|")[0].removeprefix("/")
            yield service, f"{middle}:{resource.replace('|', '')}", type_
    yield from _OTHER_FORMS


_CASES = [*_cases()]


@pytest.mark.parametrize(("service", "rest", "type_"), _CASES)
def test_the_arn_of_each_service_has_its_type(service: str, rest: str, type_: str) -> None:
    assert type_of(f"arn:aws:{service}:{rest}") == f"{service}:{type_}"


def test_the_table_has_more_than_sixty_services() -> None:
    assert len({service for service, *_ in _CASES}) > 60


@pytest.mark.parametrize(
    "partition",
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"],
)
def test_the_type_does_not_depend_on_the_partition(partition: str) -> None:
    assert type_of(f"arn:{partition}:ec2:some-region-1:111122223333:vpc/vpc-1") == "ec2:vpc"


def test_a_bare_name_of_an_unlisted_service_has_the_type_unknown_of_that_service() -> None:
    assert type_of("arn:aws:newservice:eu-west-1:111122223333:thing") == "newservice:unknown"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i-0abc",
        "arn:aws:ec2:eu-west-1:111122223333",
        "urn:aws:ec2:eu-west-1:111122223333:vpc/v",
        "ARN:aws:ec2:eu-west-1:111122223333:vpc/v",
        "arn::ec2:eu-west-1:111122223333:vpc/v",
        "arn:aws::eu-west-1:111122223333:vpc/v",
        "arn:aws:ec2:eu-west-1:111122223333:",
    ],
)
def test_a_malformed_arn_has_the_unknown_type(text: str) -> None:
    assert type_of(text) == UNKNOWN_TYPE


_pieces = st.sampled_from(
    ["arn", "aws", "s3", "sns", "wafv2", "greengrass", "codepipeline", ":", "/", "", "regional"]
)


@settings(deadline=None, max_examples=500)
@given(st.one_of(st.text(), st.lists(st.one_of(_pieces, st.text(max_size=3))).map(":".join)))
def test_any_text_has_a_service_and_a_type(text: str) -> None:
    service, _, type_ = type_of(text).partition(":")
    assert service
    assert type_


@settings(deadline=None)
@given(st.text(alphabet=":/ab*", min_size=1), st.sampled_from(["s3", "sns", "wafv2", "ec2", "x"]))
def test_any_resource_part_has_a_type_of_its_service(resource: str, service: str) -> None:
    found = type_of(f"arn:aws:{service}:eu-west-1:111122223333:{resource}")
    assert found.partition(":")[0] == service
    assert found.partition(":")[2]
