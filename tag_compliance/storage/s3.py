"""A bucket as storage: S3 writes objects atomically, updates are conditional writes.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypedDict, TypeVar

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from tag_compliance.domain.clock import utc_now
from tag_compliance.errors import BadConfiguration, Fault, StorageRefused
from tag_compliance.remote.botocore_session import HttpSession, new_session
from tag_compliance.remote.limited_socket import ResponseTooLarge
from tag_compliance.remote.time_limit import TimeLimitExceeded, run_within
from tag_compliance.storage.base import Stored

T = TypeVar("T")

_NOT_FOUND = {"404", "NoSuchKey", "NotFound"}
_UNCHANGED = {"304", "NotModified"}
_CHANGED_MEANWHILE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}

_RESPONSE_SECONDS = 60.0
_OPERATION_SECONDS = 300.0
_MAX_RESPONSE_BYTES = 2_000_000_000
_MAX_CONNECTIONS = 10

_COPIED_BYTES = 1 << 20
"""At a time, so that a large object does not pass through memory as a whole."""

_PAUSE_SECONDS = 0.2
_MAX_REFUSALS = 8

_ABOUT_NETWORK = "check AWS_REGION and AWS_ENDPOINT_URL, the network and proxies"
_ABOUT_PERMISSIONS = (
    "see the storage part of docs/operations.md for the permissions that are needed"
)
_ABOUT_DISK = "free some space there, or set TMPDIR to another folder"
_ABOUT_CONDITIONS = (
    "the likely cause is a proxy or a compatible storage that changes ETags (W/…) or does not "
    "support If-Match and If-None-Match"
)


class _Malformed(Exception):
    """S3 returned something else than it documents."""


class _NotSaved(Exception):
    """The local copy of an object could not be written."""


class _Condition(TypedDict, total=False):
    IfMatch: str
    IfNoneMatch: str


class S3Storage:
    """Objects below a prefix of a bucket. Reading needs only `s3:GetObject`.

    Without `s3:ListBucket`, S3 responds with 403 for an object that does not exist. That is
    reported as an error, since it cannot be distinguished from a denied access.
    """

    def __init__(self, uri: str, seconds: float = _OPERATION_SECONDS) -> None:
        """The storage of `s3://bucket/prefix`, with the credentials that boto3 finds.

        Each operation is given up after `seconds`, whatever the server does. Raises
        `BadConfiguration` for a profile, an endpoint or a file of AWS that boto3 rejects.
        """
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._seconds = seconds
        retries = ClientConfig(retries={"mode": "standard", "total_max_attempts": 4})
        try:
            session = new_session()
            self._client = boto3.Session(botocore_session=session).client("s3", config=retries)
            HttpSession(
                session,
                self._client.meta.endpoint_url,
                max_bytes=_MAX_RESPONSE_BYTES,
                timeout=(_RESPONSE_SECONDS, _RESPONSE_SECONDS),
                max_pool_connections=_MAX_CONNECTIONS,
            ).use_for(self._client)
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

        def get() -> Stored:
            response = self._client.get_object(
                Bucket=self._bucket, Key=self._prefix + name, **condition
            )
            data = response["Body"].read()
            if "ETag" not in response:
                raise _Malformed("the response has no ETag, which conditional writes need")
            return Stored(data, response["ETag"])

        try:
            return self._limited(name, "read", get)
        except StorageRefused as error:
            if known and _code(error) in _UNCHANGED:
                return known
            if _code(error) in _NOT_FOUND:
                return None
            raise

    def write(self, name: str, data: bytes) -> None:
        self._put(name, data, {})

    def write_file(self, name: str, source: Path) -> None:
        key = self._prefix + name

        def put() -> None:
            with source.open("rb") as content:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=content)

        self._limited(name, "write", put)

    def local_file(self, name: str, copy: Callable[[], Path]) -> Path | None:
        path = copy()
        unfinished = path.with_name(f"{path.name}.unfinished")

        def save() -> None:
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"]
            try:
                with unfinished.open("wb") as file:
                    for chunk in body.iter_chunks(_COPIED_BYTES):
                        file.write(chunk)
                unfinished.replace(path)
            except OSError as error:
                raise _NotSaved(f"{path}: {error.strerror or error}") from error

        try:
            self._limited(name, "read", save)
        except StorageRefused as error:
            if _code(error) in _NOT_FOUND:
                return None
            raise
        return path

    def update(self, name: str, decide: Callable[[bytes | None], bytes | None]) -> bool:
        before = self.read(name)
        refusals = 0
        while True:
            content = before.data if before else None
            data = decide(content)
            if data is None:
                return False
            condition: _Condition = {"IfMatch": before.version} if before else {"IfNoneMatch": "*"}
            refused = self._refusal(name, data, condition)
            if refused is None:
                return True
            time.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            before = self.read(name)
            # It counts only refusals that no other writer explains. ETags may be what is wrong.
            refusals = refusals + 1 if content == (before.data if before else None) else 0
            if refusals == _MAX_REFUSALS:
                raise refused

    def names(self, prefix: str, unchanged_seconds: float = 0.0) -> list[str]:
        latest = utc_now() - timedelta(seconds=unchanged_seconds)

        def listed() -> list[str]:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            return sorted(
                item["Key"].removeprefix(self._prefix)
                for page in pages
                for item in page.get("Contents", [])
                if not unchanged_seconds or item["LastModified"] <= latest
            )

        return self._limited(prefix, "list", listed)

    def delete(self, name: str) -> None:
        key = self._prefix + name
        self._limited(
            name, "delete", lambda: self._client.delete_object(Bucket=self._bucket, Key=key)
        )

    def sweep(self) -> int:
        """S3 has no unfinished files: an object that was not fully sent does not exist."""
        return 0

    def _put(self, name: str, data: bytes, condition: _Condition) -> None:
        key = self._prefix + name
        self._limited(
            name,
            "write",
            lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=data, **condition),
        )

    def _refusal(self, name: str, data: bytes, condition: _Condition) -> StorageRefused | None:
        """Writes the object if the condition is fulfilled, or returns what S3 replied."""
        try:
            self._put(name, data, condition)
        except StorageRefused as error:
            deleted = "IfMatch" in condition and _code(error) in _NOT_FOUND
            if not deleted and _code(error) not in _CHANGED_MEANWHILE:
                raise
            cause = (
                f"S3 refused the condition of the write {_MAX_REFUSALS} times ({_code(error)}), "
                "although no one else has changed the object"
            )
            return StorageRefused(f"{self.uri}/{name}", "write", cause, _ABOUT_CONDITIONS)
        return None

    def _limited(self, name: str, operation: str, work: Callable[[], T]) -> T:
        error: Exception | None = None
        try:
            return run_within(self._seconds, work)
        except TimeLimitExceeded:
            cause, advice = f"not finished within {self._seconds:g} s", _ABOUT_NETWORK
        except (ClientError, BotoCoreError, ResponseTooLarge, _Malformed) as caught:
            cause, advice, error = str(caught), _ABOUT_PERMISSIONS, caught
        except _NotSaved as caught:
            cause, advice, error = f"cannot write {caught}", _ABOUT_DISK, caught
        except RecursionError as caught:  # in botocore, which looks for the region of the bucket
            cause, advice, error = "it redirects requests without end", _ABOUT_NETWORK, caught
        except Exception as caught:  # noqa: BLE001 - what a malformed response causes
            cause = f"the response is malformed: {type(caught).__name__}: {caught}"
            advice, error = _ABOUT_NETWORK, caught
        raise StorageRefused(f"{self.uri}/{name}", operation, cause, advice) from error


def _code(error: StorageRefused) -> str:
    """The code of S3's response; empty if there was none."""
    cause = error.__cause__
    return cause.response.get("Error", {}).get("Code", "") if isinstance(cause, ClientError) else ""
