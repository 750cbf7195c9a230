"""Some regions of AWS with their partitions."""

from __future__ import annotations

REGIONS = {
    "us-east-1": "aws",
    "us-west-2": "aws",
    "eu-west-1": "aws",
    "cn-north-1": "aws-cn",
    "us-gov-west-1": "aws-us-gov",
}
