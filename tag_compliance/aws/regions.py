"""The regions and partitions that AWS has, as botocore knows them."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader


@cache
def known_regions() -> dict[str, str]:
    """Each region and its partition: `{"eu-west-1": "aws", "cn-north-1": "aws-cn", …}`.

    From botocore's own partition data, so that an upgrade of botocore brings new regions.
    """
    data = Loader(include_default_search_paths=True).load_data("partitions")
    return {
        region: partition["id"]
        for partition in data["partitions"]
        for region in partition["regions"]
        if not region.endswith("-global")
    }
