"""How the resources come to be that keep, carry, guard or watch data.

Each function asks the service itself, with the tags in the create call wherever the service takes
them there, since that is how the tagging tools of the real world do it.
"""

from __future__ import annotations

from tag_compliance.demo.region import Region
from tag_compliance.demo.resource import SimulatedResource

__all__ = [
    "create_alarm",
    "create_bucket",
    "create_db",
    "create_event_bus",
    "create_file_system",
    "create_key",
    "create_log_group",
    "create_parameter",
    "create_queue",
    "create_secret",
    "create_table",
    "create_topic",
    "create_vault",
    "create_work_group",
]


def create_alarm(region: Region, resource: SimulatedResource) -> object:
    """A CloudWatch alarm."""
    return region.client("cloudwatch").put_metric_alarm(
        AlarmName=resource.name,
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_ELB_5XX_Count",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=5,
        Threshold=10.0,
        ComparisonOperator="GreaterThanThreshold",
        Tags=resource.tag_list(),
    )


def create_bucket(region: Region, resource: SimulatedResource) -> object:
    """An S3 bucket."""
    s3 = region.client("s3")
    # Bucket names are unique across all accounts and regions.
    name = f"{region.account_id}-{region.name}-{resource.name}"
    # us-east-1 is the one region that CreateBucket refuses as a location constraint.
    place = (
        {}
        if region.name == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": region.name}}
    )
    s3.create_bucket(Bucket=name, **place)
    if resource.tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": resource.tag_list()})
    return name


def create_db(region: Region, resource: SimulatedResource) -> object:
    """An RDS database instance."""
    return region.client("rds").create_db_instance(
        DBInstanceIdentifier=resource.name,
        DBInstanceClass="db.t4g.medium",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword="simulated-only",
        Tags=resource.tag_list(),
    )


def create_event_bus(region: Region, resource: SimulatedResource) -> object:
    """An EventBridge bus."""
    return region.client("events").create_event_bus(Name=resource.name, Tags=resource.tag_list())


def create_file_system(region: Region, resource: SimulatedResource) -> object:
    """An EFS file system."""
    return region.client("efs").create_file_system(
        CreationToken=resource.name, Tags=resource.tag_list()
    )


def create_key(region: Region, resource: SimulatedResource) -> object:
    """A customer managed KMS key."""
    # A curve, since moto makes every other key with RSA and takes 40 ms for it.
    return region.client("kms").create_key(
        Description=resource.name,
        KeySpec="ECC_NIST_P256",
        KeyUsage="SIGN_VERIFY",
        Tags=resource.tag_list("TagKey", "TagValue"),
    )


def create_log_group(region: Region, resource: SimulatedResource) -> object:
    """A CloudWatch log group."""
    return region.client("logs").create_log_group(
        logGroupName=resource.name, tags=dict(resource.tags)
    )


def create_parameter(region: Region, resource: SimulatedResource) -> object:
    """An SSM parameter."""
    return region.client("ssm").put_parameter(
        Name=resource.name, Value="simulated", Type="String", Tags=resource.tag_list()
    )


def create_queue(region: Region, resource: SimulatedResource) -> object:
    """An SQS queue."""
    return region.client("sqs").create_queue(QueueName=resource.name, tags=dict(resource.tags))


def create_secret(region: Region, resource: SimulatedResource) -> object:
    """A Secrets Manager secret."""
    return region.client("secretsmanager").create_secret(
        Name=resource.name, SecretString="simulated", Tags=resource.tag_list()
    )


def create_table(region: Region, resource: SimulatedResource) -> object:
    """A DynamoDB table."""
    return region.client("dynamodb").create_table(
        TableName=resource.name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=resource.tag_list(),
    )


def create_topic(region: Region, resource: SimulatedResource) -> object:
    """An SNS topic."""
    return region.client("sns").create_topic(Name=resource.name, Tags=resource.tag_list())


def create_vault(region: Region, resource: SimulatedResource) -> object:
    """An AWS Backup vault."""
    return region.client("backup").create_backup_vault(
        BackupVaultName=resource.name, BackupVaultTags=dict(resource.tags)
    )


def create_work_group(region: Region, resource: SimulatedResource) -> object:
    """An Athena workgroup."""
    return region.client("athena").create_work_group(Name=resource.name, Tags=resource.tag_list())
