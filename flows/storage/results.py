"""The results bucket as a flow sees it: the steps' durable outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from flows.storage.storage import ObjectGoneError, s3_errors, skip_unread_fields


class Results:
    """Steps' durable outputs: one JSON document (or picture) a key."""

    def __init__(self, client: Any, bucket: str) -> None:
        skip_unread_fields(client)
        self._client = client
        self.bucket = bucket

    def get(self, key: str) -> bytes | None:
        """The stored bytes, or None when there are none yet."""
        try:
            with s3_errors(self.bucket, key):
                return bytes(self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except ObjectGoneError:
            return None

    def all_keys(self, page_size: int = 1000) -> Iterator[str]:
        """Every key in the bucket, a listing page in memory at a time."""
        token: dict[str, str] = {}
        while True:
            with s3_errors(self.bucket):
                answer = self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=page_size, **token)
            yield from (entry["Key"] for entry in answer.get("Contents", ()))
            if not answer.get("IsTruncated"):
                return
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def remove_all(self, prefix: str) -> None:
        """Remove every object under a prefix."""
        with s3_errors(self.bucket, prefix):
            while found := self._client.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", ()):
                for entry in found:
                    self._client.delete_object(Bucket=self.bucket, Key=entry["Key"])

    def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        """Store bytes; they are durable when this returns."""
        with s3_errors(self.bucket, key):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def put_model(self, key: str, model: BaseModel) -> None:
        """Store a value model as JSON, leaving out what is at its default."""
        self.put(key, model.model_dump_json(exclude_defaults=True).encode())
