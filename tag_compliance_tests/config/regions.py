"""Some of the regions that AWS has, each with its partition."""

from __future__ import annotations

REGIONS = {
    "us-east-1": "aws",
    "us-west-2": "aws",
    "eu-west-1": "aws",
    "cn-north-1": "aws-cn",
    "us-gov-west-1": "aws-us-gov",
}
