"""A bucket as storage: S3 writes objects atomically, updates are conditional writes.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypedDict

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import BadConfiguration, Fault, StorageRefused
from tag_compliance.storage.base import Stored

_NOT_FOUND = {"404", "NoSuchKey", "NotFound"}
_UNCHANGED = {"304", "NotModified"}
_CHANGED_MEANWHILE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class _Condition(TypedDict, total=False):
    IfMatch: str
    IfNoneMatch: str


class S3Storage:
    """Objects below a prefix of a bucket. Reading needs only `s3:GetObject`.

    Without `s3:ListBucket`, S3 responds with 403 for an object that does not exist. That is
    reported as an error, since it cannot be distinguished from a denied access.
    """

    def __init__(self, uri: str) -> None:
        """The storage of `s3://bucket/prefix`, with the credentials that boto3 finds.

        Raises `BadConfiguration` for a profile, an endpoint or a file of AWS that boto3 rejects.
        """
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        retries = ClientConfig(retries={"mode": "standard", "total_max_attempts": 4})
        try:
            self._client = boto3.client("s3", config=retries)
        except (BotoCoreError, ValueError) as error:
            rule = (
                f"the client for {uri} cannot be created: {error}; "
                "check AWS_PROFILE, AWS_ENDPOINT_URL, AWS_REGION and the files of the AWS CLI"
            )
            raise BadConfiguration((Fault("environment", "", None, rule),)) from error

    @property
    def uri(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def read(self, name: str, known: Stored | None = None) -> Stored | None:
        condition: _Condition = {"IfNoneMatch": known.version} if known else {}
        try:
            response = self._client.get_object(
                Bucket=self._bucket, Key=self._prefix + name, **condition
            )
            return Stored(response["Body"].read(), response["ETag"])
        except (ClientError, BotoCoreError) as error:
            if _code(error) in _UNCHANGED:
                return known
            if _code(error) in _NOT_FOUND:
                return None
            raise self._refused(name, "read", error) from error

    def write(self, name: str, data: bytes) -> None:
        with self._reported(name, "write"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data)

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        while True:
            before = self.read(name)
            data = decide(before.data if before else None)
            if data is None:
                return False
            condition: _Condition = {"IfMatch": before.version} if before else {"IfNoneMatch": "*"}
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=self._prefix + name, Body=data, **condition
                )
            except (ClientError, BotoCoreError) as error:
                deleted = before is not None and _code(error) in _NOT_FOUND
                if not deleted and _code(error) not in _CHANGED_MEANWHILE:
                    raise self._refused(name, "write", error) from error
            else:
                return True

    def names(self, prefix: str, unchanged_seconds: float = 0.0) -> list[str]:
        latest = utc_now() - timedelta(seconds=unchanged_seconds)
        with self._reported(prefix, "list"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            return sorted(
                item["Key"].removeprefix(self._prefix)
                for page in pages
                for item in page.get("Contents", [])
                if not unchanged_seconds or item["LastModified"] <= latest
            )

    def delete(self, name: str) -> None:
        with self._reported(name, "delete"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def sweep(self) -> int:
        """S3 has no unfinished files: an object that was not fully sent does not exist."""
        return 0

    @contextlib.contextmanager
    def _reported(self, name: str, operation: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise self._refused(name, operation, error) from error

    def _refused(self, name: str, operation: str, error: Exception) -> StorageRefused:
        advice = "see the storage part of docs/operations.md for the permissions that are needed"
        return StorageRefused(f"{self.uri}/{name}", operation, str(error), advice)


def _code(error: ClientError | BotoCoreError) -> str:
    """The code of S3's response; empty if there was none."""
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
