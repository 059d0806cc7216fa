"""Streaming reads and removals in a bucket, which flows never need: beside `flows.storage`."""

from __future__ import annotations

from typing import Any

from flows.storage import ObjectGoneError, ObjectReplacedError, ObjectVersion, s3_errors


class Originals:
    """One bucket's objects as they are.

    Args:
        client: boto3's.
        bucket: Its name.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self.bucket = client, bucket

    def open(self, version: ObjectVersion) -> tuple[Any, str]:
        """The open body of exactly this version, and the media type that its sender named.

        Raises:
            ObjectGoneError: it is not there any more.
            StorageUnavailableError: S3 is away.
        """
        exact = {"VersionId": version.version_id} if version.version_id else {"IfMatch": f'"{version.etag}"'}
        try:
            with s3_errors(self.bucket, version.key):
                answer = self._client.get_object(Bucket=self.bucket, Key=version.key, **exact)
        except (ObjectGoneError, ObjectReplacedError) as error:
            raise ObjectGoneError("The original is no longer in the bucket.") from error
        return answer["Body"], answer.get("ContentType", "")

    def remove(self, key: str, etag: str) -> None:
        """Remove every version of an object that has this content; other contents under the key stay.

        One that is gone already is no error.
        """
        with s3_errors(self.bucket, key):
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=key)
            versions = [one for page in pages for one in page.get("Versions", ())]
            for version in versions:
                if version["Key"] == key and version["ETag"].strip('"') == etag:
                    self._client.delete_object(Bucket=self.bucket, Key=key, VersionId=version["VersionId"])
