"""The server: connections, latency, requests that no service understands, the environment."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tag_compliance.simulator.server import SimulatedAws
from tag_compliance_tests.simulator.clients import connect, connect_tagging, five_queues


def test_an_unsigned_request_is_refused_in_xml(aws: SimulatedAws) -> None:
    request = urllib.request.Request(aws.url, b"Action=GetCallerIdentity&Version=2011-06-15")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        direct.open(request)

    with caught.value as response:
        assert (response.code, response.headers["Content-Type"]) == (403, "text/xml")
        assert b"<Code>MissingAuthenticationToken</Code>" in response.read()


def test_a_service_that_is_not_simulated_is_named(aws: SimulatedAws) -> None:
    with pytest.raises(ClientError, match="POST /: sns is not simulated"):
        connect(aws.url, "sns").list_topics()


def test_nothing_is_left_after_the_context() -> None:
    before = set(threading.enumerate())
    with SimulatedAws(five_queues()) as aws:
        client = connect_tagging(aws)
        assert client.get_resources()

    assert set(threading.enumerate()) <= before
    with pytest.raises(EndpointConnectionError):
        client.get_resources()


def test_the_isolated_environment_overrides_every_aws_and_proxy_setting() -> None:
    inherited = {
        **os.environ,
        "AWS_PROFILE": "somebody",
        "AWS_SESSION_TOKEN": "stale",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
        "AWS_CA_BUNDLE": "/nowhere.pem",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    with SimulatedAws(five_queues(), base_user_name="scanner") as aws:
        environment = aws.isolated_environment(inherited)
        printed = subprocess.check_output(
            [sys.executable, "-c", program], env=environment, text=True
        )

    assert printed == "arn:aws:iam::999999999999:user/scanner\n"
    assert environment["PATH"] == os.environ["PATH"]
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"} & environment.keys()
