"""The results bucket as a flow sees it: the steps' durable outputs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from pydantic import BaseModel

from flows.storage.storage import ObjectGoneError, all_fields, s3_errors, skip_unread_fields


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
        return (entry["Key"] for entry in self._entries(page_size))

    def all_objects(self, page_size: int = 1000) -> Iterator[tuple[str, dt.datetime, int]]:
        """Key, time of writing and size in bytes of every object, a listing page in memory at a time."""
        entries = self._entries(page_size, whole=True)
        return ((entry["Key"], entry["LastModified"], entry["Size"]) for entry in entries)

    def _entries(self, page_size: int, *, whole: bool = False) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            with s3_errors(self.bucket), all_fields() if whole else nullcontext():
                answer = self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=page_size, **token)
            yield from answer.get("Contents", ())
            if not answer.get("IsTruncated"):
                return
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def remove_all(self, prefix: str) -> None:
        """Remove every object under a prefix."""
        with s3_errors(self.bucket, prefix):
            while found := self._client.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", ()):
                for entry in found:
                    self._client.delete_object(Bucket=self.bucket, Key=entry["Key"])

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is gone already is no error."""
        for key in keys:
            with s3_errors(self.bucket, key):
                self._client.delete_object(Bucket=self.bucket, Key=key)

    def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        """Store bytes; they are durable when this returns."""
        with s3_errors(self.bucket, key):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def put_model(self, key: str, model: BaseModel) -> None:
        """Store a value model as JSON, leaving out what is at its default."""
        self.put(key, model.model_dump_json(exclude_defaults=True).encode())
