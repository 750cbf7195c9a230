"""A bucket as storage: S3 writes objects atomically, updates are conditional writes.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from tag_compliance.errors import StorageRefused
from tag_compliance.storage.base import Stored

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_NOT_FOUND = {"404", "NoSuchKey", "NotFound"}
_UNCHANGED = {"304", "NotModified"}
_CHANGED_MEANWHILE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class S3Storage:
    """Objects below a prefix of a bucket. Reading needs only `s3:GetObject`.

    Without `s3:ListBucket`, S3 responds with 403 for an object that does not exist. That is
    reported as an error, since it cannot be distinguished from a denied access.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    @classmethod
    def at(cls, uri: str) -> S3Storage:
        """The storage of `s3://bucket/prefix`, with the credentials that boto3 finds."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        retries = ClientConfig(retries={"mode": "standard", "total_max_attempts": 4})
        return cls(boto3.client("s3", config=retries), bucket, prefix)

    @property
    def uri(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def read(self, name: str, known: Stored | None = None) -> Stored | None:
        key = self._prefix + name
        try:
            if known is None:
                response = self._client.get_object(Bucket=self._bucket, Key=key)
            else:
                response = self._client.get_object(
                    Bucket=self._bucket, Key=key, IfNoneMatch=known.version
                )
            return Stored(response["Body"].read(), response["ETag"])
        except ClientError as error:
            if _code(error) in _UNCHANGED:
                return known
            if _code(error) in _NOT_FOUND:
                return None
            raise self._refused(name, "read", error) from error
        except BotoCoreError as error:
            raise self._refused(name, "read", error) from error

    def write(self, name: str, data: bytes) -> None:
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data)
        except (ClientError, BotoCoreError) as error:
            raise self._refused(name, "write", error) from error

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        key = self._prefix + name
        while True:
            before = self.read(name)
            data = decide(before.data if before else None)
            if data is None:
                return False
            try:
                if before is None:
                    self._client.put_object(
                        Bucket=self._bucket, Key=key, Body=data, IfNoneMatch="*"
                    )
                else:
                    self._client.put_object(
                        Bucket=self._bucket, Key=key, Body=data, IfMatch=before.version
                    )
            except ClientError as error:
                deleted = before is not None and _code(error) in _NOT_FOUND
                if not deleted and _code(error) not in _CHANGED_MEANWHILE:
                    raise self._refused(name, "write", error) from error
            except BotoCoreError as error:
                raise self._refused(name, "write", error) from error
            else:
                return True

    def names(self, prefix: str) -> list[str]:
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            return sorted(
                item["Key"].removeprefix(self._prefix)
                for page in pages
                for item in page.get("Contents", [])
            )
        except (ClientError, BotoCoreError) as error:
            raise self._refused(prefix, "list", error) from error

    def delete(self, name: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)
        except (ClientError, BotoCoreError) as error:
            raise self._refused(name, "delete", error) from error

    def sweep(self) -> int:
        """S3 has no unfinished files: an object that was not fully sent does not exist."""
        return 0

    def _refused(self, name: str, operation: str, error: Exception) -> StorageRefused:
        advice = "see the storage part of docs/operations.md for the permissions that are needed"
        return StorageRefused(f"{self.uri}/{name}", operation, str(error), advice)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
