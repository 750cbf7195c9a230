"""The resource types of the ARNs that AWS documents, and of malformed ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.domain.arn import UNKNOWN_TYPE, type_of

_HERE = "eu-west-1:111122223333"
_GLOBAL = ":111122223333"

# Service, the part of the ARN between service and resource, resource, type.
_CASES = [
    ("access-analyzer", _HERE, "analyzer/outside", "analyzer"),
    ("acm", _HERE, "certificate/6f4e-11", "certificate"),
    ("acm-pca", _HERE, "certificate-authority/6f4e-11", "certificate-authority"),
    ("airflow", _HERE, "environment/etl", "environment"),
    ("amplify", _HERE, "apps/d1/branches/main", "apps"),
    ("apigateway", "eu-west-1:", "/restapis/a1b2c3", "restapis"),
    ("apigateway", "eu-west-1:", "/apis/a1b2c3", "apis"),
    ("apigateway", "eu-west-1:", "/restapis/a1b2c3/stages/prod", "restapis"),
    ("apigateway", "eu-west-1:", "/domainnames/api.example.com", "domainnames"),
    ("apprunner", _HERE, "service/web/8fe1e10304f84fd2b0df550fe98a71fa", "service"),
    ("appsync", _HERE, "apis/abc", "apis"),
    ("athena", _HERE, "workgroup/primary", "workgroup"),
    (
        "autoscaling",
        _HERE,
        "autoScalingGroup:930d940e-891e:autoScalingGroupName/web",
        "autoScalingGroup",
    ),
    ("backup", _HERE, "backup-vault:Default", "backup-vault"),
    ("batch", _HERE, "job-definition/nightly:3", "job-definition"),
    ("bedrock", "eu-west-1:", "foundation-model/some.model-v1:0", "foundation-model"),
    ("budgets", _GLOBAL, "budget/monthly", "budget"),
    ("cassandra", _HERE, "/keyspace/shop/table/orders", "keyspace"),
    ("catalog", _HERE, "portfolio/port-abc", "portfolio"),
    ("cloudformation", _HERE, "stack/web/50d6f0a0-1", "stack"),
    ("cloudfront", _GLOBAL, "distribution/EDFDVBD632BHDS5", "distribution"),
    ("cloudtrail", _HERE, "trail/all", "trail"),
    ("cloudwatch", _HERE, "alarm:CPU: too high/low", "alarm"),
    ("codebuild", _HERE, "project/web", "project"),
    ("codecommit", _HERE, "my-repository", "repository"),
    ("codedeploy", _HERE, "deploymentgroup:web/blue", "deploymentgroup"),
    ("codepipeline", _HERE, "release", "pipeline"),
    ("codepipeline", _HERE, "release/Build", "stage"),
    ("codepipeline", _HERE, "release/Build/Compile", "action"),
    ("codepipeline", _HERE, "webhook:on-push", "webhook"),
    ("codepipeline", _HERE, "actiontype:Custom/Build/Jenkins/1", "actiontype"),
    ("cognito-idp", _HERE, "userpool/eu-west-1_abc", "userpool"),
    ("config", _HERE, "config-rule/config-rule-abc", "config-rule"),
    ("dms", _HERE, "rep:ABCDEF", "rep"),
    ("ds", _HERE, "directory/d-12345", "directory"),
    ("dynamodb", _HERE, "table/Orders", "table"),
    ("ec2", _HERE, "instance/i-0abc", "instance"),
    ("ec2", _HERE, "security-group/sg-0abc", "security-group"),
    ("ec2", "eu-west-1:", "image/ami-0abc", "image"),
    ("ecr", _HERE, "repository/team/web", "repository"),
    ("ecr-public", _GLOBAL, "repository/web", "repository"),
    ("ecs", _HERE, "cluster/web", "cluster"),
    ("ecs", _HERE, "service/web/front", "service"),
    ("ecs", _HERE, "task/web/0b69d5c0d655", "task"),
    ("ecs", _HERE, "task-definition/front:17", "task-definition"),
    ("eks", _HERE, "cluster/prod", "cluster"),
    ("eks", _HERE, "nodegroup/prod/workers/8cb2-1", "nodegroup"),
    ("elasticache", _HERE, "replicationgroup:sessions", "replicationgroup"),
    ("elasticbeanstalk", _HERE, "environment/Shop/Shop-prod", "environment"),
    ("elasticfilesystem", _HERE, "file-system/fs-0abc", "file-system"),
    ("elasticloadbalancing", _HERE, "loadbalancer/app/web/50dc6c49", "loadbalancer"),
    ("elasticloadbalancing", _HERE, "loadbalancer/net/tcp/50dc6c49", "loadbalancer"),
    ("elasticloadbalancing", _HERE, "loadbalancer/classic", "loadbalancer"),
    ("elasticloadbalancing", _HERE, "targetgroup/web/73e2d6bc", "targetgroup"),
    ("elasticloadbalancing", _HERE, "listener/app/web/50dc/f2f7", "listener"),
    ("elasticmapreduce", _HERE, "cluster/j-ABC", "cluster"),
    ("emr-serverless", _HERE, "/applications/00abc", "applications"),
    ("es", _HERE, "domain/search", "domain"),
    ("events", _HERE, "rule/bus/nightly", "rule"),
    ("firehose", _HERE, "deliverystream/clicks", "deliverystream"),
    ("fsx", _HERE, "file-system/fs-0abc", "file-system"),
    ("globalaccelerator", _GLOBAL, "accelerator/1234", "accelerator"),
    ("glue", _HERE, "job/etl", "job"),
    ("grafana", _HERE, "/workspaces/g-abc", "workspaces"),
    ("greengrass", _HERE, "/greengrass/groups/abc", "groups"),
    ("greengrass", _HERE, "components:hello:versions:1.0.0", "components"),
    ("guardduty", _HERE, "detector/12abc", "detector"),
    ("iam", _GLOBAL, "role/service-role/worker", "role"),
    ("iam", _GLOBAL, "policy/division/deploy", "policy"),
    ("imagebuilder", _HERE, "image/base/1.0.0/1", "image"),
    ("execute-api", _HERE, "a1b2c3/prod/GET/orders", "api"),
    ("inspector", _HERE, "target/0-abc/template/0-def", "target"),
    ("inspector2", _HERE, "owner/111122223333/filter/0a1b", "filter"),
    ("inspector2", _HERE, "owner/111122223333/cis-configuration/0a1b", "cis-configuration"),
    ("mgh", _HERE, "my-stream/with/slashes", "unknown"),
    ("mgh", _HERE, "progressUpdateStream/SMS/migrationTask/1", "progressUpdateStream"),
    ("neptune-db", _HERE, "cluster-ABC/*", "database"),
    ("iot", _HERE, "thing/lamp", "thing"),
    ("kafka", _HERE, "cluster/events/8fe1-2", "cluster"),
    ("kinesis", _HERE, "stream/clicks", "stream"),
    ("kms", _HERE, "key/1234abcd-12ab", "key"),
    ("lambda", _HERE, "function:thumbnail", "function"),
    ("lambda", _HERE, "layer:numpy:3", "layer"),
    ("lambda", _HERE, "event-source-mapping:1234", "event-source-mapping"),
    ("lightsail", _HERE, "Instance/1234", "Instance"),
    ("logs", _HERE, "log-group:/aws/lambda/thumbnail", "log-group"),
    ("logs", _HERE, "log-group:/aws/lambda/a:*", "log-group"),
    ("logs", _HERE, "log-group:plain:log-stream:2026/05/04/[1]abc", "log-group"),
    ("memorydb", _HERE, "cluster/sessions", "cluster"),
    ("mq", _HERE, "broker:orders:b-1234", "broker"),
    ("network-firewall", _HERE, "stateful-rulegroup/deny", "stateful-rulegroup"),
    ("organizations", _GLOBAL, "account/o-abc/111122223333", "account"),
    ("pipes", _HERE, "pipe/orders", "pipe"),
    ("rds", _HERE, "db:orders", "db"),
    ("rds", _HERE, "cluster-snapshot:rds:orders-2026-05-04", "cluster-snapshot"),
    ("redshift", _HERE, "cluster:warehouse", "cluster"),
    ("resource-groups", _HERE, "group/web", "group"),
    ("route53", ":", "hostedzone/Z148QEXAMPLE8V", "hostedzone"),
    ("s3", ":", "my-bucket", "bucket"),
    ("s3", ":", "my-bucket/a/key:with=colons", "object"),
    ("s3", _HERE, "accesspoint/reports", "accesspoint"),
    ("s3", _GLOBAL, "accesspoint/abc.mrap", "accesspoint"),
    ("s3", _HERE, "storage-lens/all", "storage-lens"),
    ("s3-object-lambda", _HERE, "accesspoint/redacted", "accesspoint"),
    ("sagemaker", _HERE, "endpoint/scores", "endpoint"),
    ("scheduler", _HERE, "schedule/default/nightly", "schedule"),
    ("secretsmanager", _HERE, "secret:prod/db-a1b2c3", "secret"),
    ("servicecatalog", _HERE, "/applications/0abc", "applications"),
    ("ses", _HERE, "identity/example.com", "identity"),
    ("signer", _HERE, "/signing-profiles/lambda", "signing-profiles"),
    ("sns", _HERE, "alerts", "topic"),
    ("sns", _HERE, "alerts.fifo", "topic"),
    ("sns", _HERE, "alerts:8a21d249-4329", "subscription"),
    ("sns", _HERE, "app/GCM/mobile", "app"),
    ("sqs", _HERE, "orders.fifo", "queue"),
    ("ssm", _HERE, "parameter/prod/db/password", "parameter"),
    ("sso", ":", "permissionSet/ssoins-abc/ps-def", "permissionSet"),
    ("states", _HERE, "stateMachine:orders", "stateMachine"),
    ("states", _HERE, "execution:orders:1234", "execution"),
    ("states", _HERE, "activity:approve", "activity"),
    ("storagegateway", _HERE, "gateway/sgw-1234", "gateway"),
    ("swf", _HERE, "/domain/orders", "domain"),
    ("synthetics", _HERE, "canary:login", "canary"),
    ("timestream", _HERE, "database/metrics/table/cpu", "database"),
    ("transfer", _HERE, "server/s-1234", "server"),
    ("waf", _GLOBAL, "webacl/1234", "webacl"),
    ("wafv2", _HERE, "regional/webacl/site/1234", "webacl"),
    ("wafv2", "us-east-1:111122223333", "global/ipset/offices/1234", "ipset"),
    ("workspaces", _HERE, "workspace/ws-1234", "workspace"),
    ("xray", _HERE, "group/slow/ABC", "group"),
]


@pytest.mark.parametrize(("service", "middle", "resource", "type_"), _CASES)
def test_the_arn_of_each_service_has_its_type(
    service: str, middle: str, resource: str, type_: str
) -> None:
    text = f"arn:aws:{service}:{middle}:{resource}"
    assert type_of(text) == f"{service}:{type_}"


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
