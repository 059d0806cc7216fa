"""The two buckets as a flow sees them: read objects of the inbox, keep steps' results as JSON.

Talks S3 through the boto client of the bucket's prefect-aws credentials, because prefect-aws offers neither reading
by version nor a listing page by page. Every failure leaves here as one of our own errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from pydantic import BaseModel

from flows.errors import ConfigurationError, TransientError, UnreadableError

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound"}
_REFUSED = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


class StorageUnavailableError(TransientError):
    """S3 did not answer, or answered that it cannot just now."""


class ObjectGoneError(UnreadableError):
    """The object is no longer in the bucket."""


class ObjectReplacedError(UnreadableError):
    """The key holds another object now; that one is a receipt of its own."""


@dataclass(frozen=True)
class ObjectVersion:
    """One object of a bucket as S3 names it. `etag` is without quotes, `version_id` empty without versioning."""

    bucket: str
    key: str
    etag: str
    size_bytes: int
    version_id: str = ""


@contextmanager
def _s3_errors(bucket: str, key: str = "") -> Iterator[None]:
    where = f"s3://{bucket}/{key}"
    try:
        yield
    except ClientError as error:
        raise _translated(error, where) from error
    except NoCredentialsError as error:
        raise ConfigurationError(f"No credentials for {where}: fill in the bucket's credentials block.") from error
    except (BotoCoreError, OSError) as error:
        raise StorageUnavailableError(f"{where}: {error}") from error


def _translated(error: ClientError, where: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _GONE:
        return ObjectGoneError(f"{where} is no longer in the bucket; upload it again if it is still needed.")
    if code in {"412", "PreconditionFailed"}:
        return ObjectReplacedError(f"{where} was replaced by another upload, which is handled as a receipt of its own.")
    if code == "NoSuchBucket":
        return ConfigurationError(f"{where}: there is no such bucket; create it or correct the bucket block.")
    if code in _REFUSED:
        return ConfigurationError(f"{where}: access refused ({code}); correct the bucket's credentials block.")
    return StorageUnavailableError(f"{where}: {error}")


_Listing = Callable[..., tuple[list[dict[str, Any]], dict[str, str]]]
_UNASKED = re.compile(rb"<(LastModified|Owner|StorageClass)>.*?</\1>", re.DOTALL)


def _spare_unasked(client: Any) -> None:
    """Take out of listings what nobody here asks for before botocore parses it: dates alone are two thirds of that.

    The client is the process's own, by its credentials block: whoever else uses it gets listings without it, too.
    """
    for operation in ("ListObjectsV2", "ListObjectVersions"):
        name = f"before-parse.s3.{operation}"
        client.meta.events.register(name, _without_unasked, unique_id=f"receiptflow-{operation}")


def _without_unasked(response_dict: dict[str, Any], **_: Any) -> None:
    response_dict["body"] = _UNASKED.sub(b"", response_dict["body"])


class Inbox:
    """Read access to the objects of one bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        _spare_unasked(client)
        self._client = client
        self.bucket = bucket

    def head(self, key: str) -> ObjectVersion:
        """The current version of an object; raises ObjectGoneError if there is none."""
        with _s3_errors(self.bucket, key):
            answer = self._client.head_object(Bucket=self.bucket, Key=key)
        return ObjectVersion(
            self.bucket, key, answer["ETag"].strip('"'), int(answer["ContentLength"]), _version_of(answer)
        )

    def holds(self, version: ObjectVersion) -> bool:
        """Whether exactly this version is still in the bucket."""
        extra = {"VersionId": version.version_id} if version.version_id else {"IfMatch": f'"{version.etag}"'}
        try:
            with _s3_errors(self.bucket, version.key):
                self._client.head_object(Bucket=self.bucket, Key=version.key, **extra)
        except (ObjectGoneError, ObjectReplacedError):
            return False
        return True

    def read(self, version: ObjectVersion, *, max_bytes: int) -> bytes:
        """The bytes of exactly this version, at most `max_bytes` + 1 of them (so that "too large" shows)."""
        extra = {"VersionId": version.version_id} if version.version_id else {"IfMatch": f'"{version.etag}"'}
        with _s3_errors(self.bucket, version.key):
            answer = self._client.get_object(Bucket=self.bucket, Key=version.key, **extra)
            with answer["Body"] as body:
                return bytes(body.read(max_bytes + 1))

    def pages(self, prefix: str = "", page_size: int = 1000) -> Iterator[list[ObjectVersion]]:
        """All objects under a prefix, a listing page at a time: memory stays that of one page.

        First the present objects, without their versions; then, where the bucket is versioned, the older versions,
        so that an object that was overwritten before anybody saw it is found too. The listing of versions cannot
        stand alone: SeaweedFS leaves out of its later pages what it should have listed before the marker ("acme-b/1"
        behind "acme/1"). Neither is in the order of the keys there. Folders' markers are left out.
        """
        yield from self._pages(self._objects_page, prefix, page_size)
        if self.is_versioned():
            yield from self._pages(self._older_versions_page, prefix, page_size)

    def _pages(self, listing: _Listing, prefix: str, page_size: int) -> Iterator[list[ObjectVersion]]:
        marker: dict[str, str] = {}
        while True:
            with _s3_errors(self.bucket, prefix):
                entries, marker = listing(Bucket=self.bucket, Prefix=prefix, MaxKeys=page_size, **marker)
            yield [self._listed(entry) for entry in entries if not entry["Key"].endswith("/")]
            if not marker:
                return

    def named(self, version: ObjectVersion) -> ObjectVersion:
        """A listed object with its version id, unless the key holds another one by now."""
        try:
            present = self.head(version.key)
        except ObjectGoneError:
            return version
        return present if present.etag == version.etag else version

    def versions(self, key: str) -> list[ObjectVersion]:
        """Every version of one object that the bucket keeps, at most a listing page of them."""
        with _s3_errors(self.bucket, key):
            answer = self._client.list_object_versions(Bucket=self.bucket, Prefix=key)
        return [self._listed(entry) for entry in answer.get("Versions", []) if entry["Key"] == key]

    def is_versioned(self) -> bool:
        """Whether the bucket keeps what is overwritten."""
        with _s3_errors(self.bucket):
            return bool(self._client.get_bucket_versioning(Bucket=self.bucket).get("Status") == "Enabled")

    def _objects_page(self, **request: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
        answer = self._client.list_objects_v2(**request)
        following = {"ContinuationToken": answer["NextContinuationToken"]} if answer.get("IsTruncated") else {}
        return answer.get("Contents", []), following

    def _older_versions_page(self, **request: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
        answer = self._client.list_object_versions(**request)
        older = [entry for entry in answer.get("Versions", []) if not entry.get("IsLatest")]
        if not answer.get("IsTruncated"):
            return older, {}
        markers = {"KeyMarker": answer["NextKeyMarker"], "VersionIdMarker": answer.get("NextVersionIdMarker", "")}
        return older, {name: value for name, value in markers.items() if value}

    def _listed(self, entry: dict[str, Any]) -> ObjectVersion:
        return ObjectVersion(
            self.bucket, entry["Key"], entry["ETag"].strip('"'), int(entry["Size"]), _version_of(entry)
        )

    def put(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> ObjectVersion:
        """Store an object; it is durable when this returns."""
        with _s3_errors(self.bucket, key):
            answer = self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)
        return ObjectVersion(self.bucket, key, answer["ETag"].strip('"'), len(body), _version_of(answer))


def _version_of(answer: dict[str, Any]) -> str:
    version = answer.get("VersionId") or ""
    return "" if version == "null" else str(version)


class Results:
    """Steps' durable outputs: one JSON document (or picture) a key."""

    def __init__(self, client: Any, bucket: str) -> None:
        _spare_unasked(client)
        self._client = client
        self.bucket = bucket

    def get(self, key: str) -> bytes | None:
        """The stored bytes, or None when there are none yet."""
        try:
            with _s3_errors(self.bucket, key):
                return bytes(self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except ObjectGoneError:
            return None

    def all_keys(self, page_size: int = 1000) -> Iterator[str]:
        """Every key in the bucket, a listing page in memory at a time."""
        token: dict[str, str] = {}
        while True:
            with _s3_errors(self.bucket):
                answer = self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=page_size, **token)
            yield from (entry["Key"] for entry in answer.get("Contents", ()))
            if not answer.get("IsTruncated"):
                return
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        """Store bytes; they are durable when this returns."""
        with _s3_errors(self.bucket, key):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def put_model(self, key: str, model: BaseModel) -> None:
        """Store a value model as JSON, leaving out what is at its default."""
        self.put(key, model.model_dump_json(exclude_defaults=True).encode())
