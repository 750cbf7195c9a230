"""A typical simple tag exporter: boto3, a loop, and gauges.

It shares no code with this project. `benchmarks.scan` compares `tag-compliance scan` with it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import yaml
from prometheus_client import CollectorRegistry, Gauge, generate_latest

REGION = ("account_name", "account_id", "region")
REGISTRY = CollectorRegistry()


def gauge(name: str, *labels: str) -> Gauge:
    return Gauge(name, name.replace("_", " "), labels, registry=REGISTRY)


COMPLIANT = gauge("tag_compliant_total", "tag", *REGION)
NON_COMPLIANT = gauge("tag_non_compliant_total", "tag", *REGION)
DETAIL = gauge("tag_missing_detail", "tag", *REGION, "resource_type", "resource_arn")
SCANNED = gauge("resources_scanned_total", *REGION)
PERCENTAGE = gauge("compliance_percentage", *REGION)
TAG_PERCENTAGE = gauge("tag_compliance_percentage", "tag", *REGION)
TAG_TYPE_PERCENTAGE = gauge(
    "tag_resource_type_compliance_percentage", "tag", "resource_type", *REGION
)
FULLY = gauge("resources_fully_compliant_total", *REGION)
FULLY_BY_TYPE = gauge("resources_fully_compliant_by_type_total", "resource_type", *REGION)
FULLY_BY_TYPE_PERCENTAGE = gauge(
    "resources_fully_compliant_by_type_percentage", "resource_type", *REGION
)


def resource_type(arn: str) -> str:
    _, _, service, _, _, resource = arn.split(":", 5)
    kind, separator, _ = resource.lstrip("/").replace("/", ":").partition(":")
    names = {"s3": "bucket", "sns": "topic", "sqs": "queue"}
    return f"{service}:{kind if separator else names.get(service, 'unknown')}"


def session_of(account: dict[str, Any], role: str) -> boto3.Session:
    sts = boto3.client("sts")
    response = sts.assume_role(
        RoleArn=f"arn:aws:iam::{account['account_id']}:role/{role}", RoleSessionName="exporter"
    )
    given = response["Credentials"]
    return boto3.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def resources_of(session: boto3.Session, region: str) -> Iterator[dict[str, Any]]:
    client = session.client("resourcegroupstaggingapi", region_name=region)
    for page in client.get_paginator("get_resources").paginate(ResourcesPerPage=100):
        for mapping in page["ResourceTagMappingList"]:
            arn = mapping["ResourceARN"]
            tags = {tag["Key"]: tag["Value"] for tag in mapping.get("Tags", [])}
            yield {"arn": arn, "type": resource_type(arn), "tags": tags}


def is_excluded(type_: str, patterns: list[str]) -> bool:
    return any(pattern.lower() in type_.lower() for pattern in patterns)


def publish(  # noqa: C901 - typical of such a program
    resources: list[dict[str, Any]], required: list[str], where: dict[str, str]
) -> None:
    tagged: Counter[str] = Counter()
    by_type: Counter[str] = Counter()
    tagged_by_type: Counter[tuple[str, str]] = Counter()
    fully_by_type: Counter[str] = Counter()
    for resource in resources:
        type_ = resource["type"]
        by_type[type_] += 1
        missing = [tag for tag in required if tag not in resource["tags"]]
        for tag in required:
            if tag not in missing:
                tagged[tag] += 1
                tagged_by_type[tag, type_] += 1
        for tag in missing:
            labels = {**where, "tag": tag, "resource_type": type_}
            DETAIL.labels(**labels, resource_arn=resource["arn"][:200]).set(1)
        if not missing:
            fully_by_type[type_] += 1
    total, fully = len(resources), fully_by_type.total()
    SCANNED.labels(**where).set(total)
    FULLY.labels(**where).set(fully)
    if total:
        PERCENTAGE.labels(**where).set(100 * fully / total)
    for tag in required:
        COMPLIANT.labels(**where, tag=tag).set(tagged[tag])
        NON_COMPLIANT.labels(**where, tag=tag).set(total - tagged[tag])
        if total:
            TAG_PERCENTAGE.labels(**where, tag=tag).set(100 * tagged[tag] / total)
    for type_, count in by_type.items():
        FULLY_BY_TYPE.labels(**where, resource_type=type_).set(fully_by_type[type_])
        share = 100 * fully_by_type[type_] / count
        FULLY_BY_TYPE_PERCENTAGE.labels(**where, resource_type=type_).set(share)
        for tag in required:
            share = 100 * tagged_by_type[tag, type_] / count
            TAG_TYPE_PERCENTAGE.labels(**where, tag=tag, resource_type=type_).set(share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    config = yaml.safe_load(parser.parse_args().config.read_text(encoding="utf-8"))
    excluded = config.get("excluded_resource_types", [])
    for account in config["aws_account_matrix"]:
        session = session_of(account, config["assume_role_name_template"])
        for region in account["regions"]:
            found = resources_of(session, region)
            resources = [r for r in found if not is_excluded(r["type"], excluded)]
            names = {key: account[key] for key in ("account_name", "account_id")}
            publish(resources, config["REQUIRED_TAGS"], {**names, "region": region})
    sys.stdout.buffer.write(generate_latest(REGISTRY))


if __name__ == "__main__":
    main()
