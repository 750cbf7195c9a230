"""The environment in which boto3 reaches a simulated AWS and nothing else of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping


def isolated(inherited: Mapping[str, str], simulated: Mapping[str, str]) -> dict[str, str]:
    """`inherited` without its AWS settings, with those of the simulated AWS.

    Variables such as AWS_PROFILE, AWS_SESSION_TOKEN or AWS_ENDPOINT_URL_STS would take precedence.
    """
    kept = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A proxy cannot reach the loopback address. Programs read either spelling; urllib, which
        # botocore uses, prefers the lower case.
        "NO_PROXY": "*",
        "no_proxy": "*",
        **simulated,
    }
