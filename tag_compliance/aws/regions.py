"""The regions and partitions that AWS has, as botocore knows them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def known_regions() -> dict[str, str]:
    """Each region and its partition: `{"eu-west-1": "aws", "cn-north-1": "aws-cn", …}`.

    The source is botocore's own partition data, so an upgrade of botocore brings new regions. The
    file is read directly: botocore's loader imports urllib3 and ssl, a quarter of the start-up time
    of `check-config`.
    """
    data = json.loads(files("botocore").joinpath("data/partitions.json").read_bytes())
    return {
        region: partition["id"]
        for partition in data["partitions"]
        for region in partition["regions"]
        if not region.endswith("-global")
    }
