"""The inbox bucket as a flow sees it: read objects by version, list them page by page, put new ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from flows.storage.storage import (
    ObjectGoneError,
    ObjectReplacedError,
    ObjectVersion,
    all_fields,
    s3_errors,
    skip_unread_fields,
)

_Listing = Callable[..., tuple[list[dict[str, Any]], dict[str, str]]]


class Inbox:
    """Read access to the objects of one bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        skip_unread_fields(client)
        self._client = client
        self.bucket = bucket

    def head(self, key: str) -> ObjectVersion:
        """The current version of an object; raises ObjectGoneError if there is none."""
        with s3_errors(self.bucket, key):
            answer = self._client.head_object(Bucket=self.bucket, Key=key)
        return ObjectVersion(
            self.bucket, key, answer["ETag"].strip('"'), int(answer["ContentLength"]), _version_of(answer)
        )

    def holds(self, version: ObjectVersion) -> bool:
        """Whether exactly this version is still in the bucket."""
        extra = {"VersionId": version.version_id} if version.version_id else {"IfMatch": f'"{version.etag}"'}
        try:
            with s3_errors(self.bucket, version.key):
                self._client.head_object(Bucket=self.bucket, Key=version.key, **extra)
        except (ObjectGoneError, ObjectReplacedError):
            return False
        return True

    def read(self, version: ObjectVersion, *, max_bytes: int) -> bytes:
        """The bytes of exactly this version, at most `max_bytes` + 1 of them (so that "too large" shows)."""
        extra = {"VersionId": version.version_id} if version.version_id else {"IfMatch": f'"{version.etag}"'}
        with s3_errors(self.bucket, version.key):
            answer = self._client.get_object(Bucket=self.bucket, Key=version.key, **extra)
            with answer["Body"] as body:
                return bytes(body.read(max_bytes + 1))

    def open(self, version: ObjectVersion) -> Any:
        """The open body of exactly this version, to be read in pieces and closed; raises as `read` does."""
        extra = {"VersionId": version.version_id} if version.version_id else {"IfMatch": f'"{version.etag}"'}
        with s3_errors(self.bucket, version.key):
            return self._client.get_object(Bucket=self.bucket, Key=version.key, **extra)["Body"]

    def pages(self, prefix: str = "", page_size: int = 1000) -> Iterator[list[ObjectVersion]]:
        """All objects under a prefix, a listing page at a time: memory stays that of one page.

        First the present objects, without their versions; then, where the bucket is versioned, the older versions,
        so that an object that was overwritten before anybody saw it is found too. The listing of versions cannot
        stand alone: SeaweedFS leaves out of its later pages what it should have listed before the marker ("acme-b/1"
        behind "acme/1"). Neither is in the order of the keys there. Folders' markers are left out.
        """
        yield from self.present_pages(prefix, page_size)
        if self.is_versioned():
            yield from self.overwritten_pages(prefix, page_size)

    def present_pages(self, prefix: str = "", page_size: int = 1000) -> Iterator[list[ObjectVersion]]:
        """The objects that their keys name now, without their versions."""
        return self._pages(self._objects_page, prefix, page_size)

    def overwritten_pages(self, prefix: str = "", page_size: int = 1000) -> Iterator[list[ObjectVersion]]:
        """The versions of a versioned bucket that were overwritten, as far as S3 lists them."""
        return self._pages(self._older_versions_page, prefix, page_size)

    def older_pages(self, page_size: int = 1000) -> Iterator[list[tuple[ObjectVersion, dt.datetime]]]:
        """The overwritten versions with the time of their writing, a listing page at a time."""
        marker: dict[str, str] = {}
        while self.is_versioned():
            with s3_errors(self.bucket), all_fields():
                entries, marker = self._older_versions_page(Bucket=self.bucket, MaxKeys=page_size, **marker)
            yield [(self._listed(entry), entry["LastModified"]) for entry in entries if not entry["Key"].endswith("/")]
            if not marker:
                return

    def remove(self, version: ObjectVersion) -> None:
        """Remove one version for good; one that is gone already is no error."""
        with s3_errors(self.bucket, version.key):
            self._client.delete_object(Bucket=self.bucket, Key=version.key, VersionId=version.version_id)

    def _pages(self, listing: _Listing, prefix: str, page_size: int) -> Iterator[list[ObjectVersion]]:
        marker: dict[str, str] = {}
        while True:
            with s3_errors(self.bucket, prefix):
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
        with s3_errors(self.bucket, key):
            answer = self._client.list_object_versions(Bucket=self.bucket, Prefix=key)
        return [self._listed(entry) for entry in answer.get("Versions", []) if entry["Key"] == key]

    def is_versioned(self) -> bool:
        """Whether the bucket keeps what is overwritten."""
        with s3_errors(self.bucket):
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
        with s3_errors(self.bucket, key):
            answer = self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)
        return ObjectVersion(self.bucket, key, answer["ETag"].strip('"'), len(body), _version_of(answer))


def _version_of(answer: dict[str, Any]) -> str:
    version = answer.get("VersionId") or ""
    return "" if version == "null" else str(version)
