"""The regions of AWS and their partitions, from botocore's data."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def known_regions() -> dict[str, str]:
    """The partition of each region: `{"eu-west-1": "aws", "cn-north-1": "aws-cn", …}`.

    An upgrade of botocore adds new regions. Its file is read directly, because importing botocore's
    loader, with urllib3 and ssl, takes a quarter of the start-up time of `check-config`.
    """
    data = json.loads(files("botocore").joinpath("data/partitions.json").read_bytes())
    return {
        region: partition["id"]
        for partition in data["partitions"]
        for region in partition["regions"]
        if not region.endswith("-global")
    }
