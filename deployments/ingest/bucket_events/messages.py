"""What object stores send when an object was created, in each one's words, as one value. Pure.

Known are S3's event notifications (AWS, MinIO, Ceph), S3 events through EventBridge or SNS, and the webhook of
SeaweedFS's filer. Names in S3's own notifications are URL-encoded as in a form; in EventBridge's and SeaweedFS's
they are plain.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from flows.domain.errors import ReceiptflowError

_DEEPEST_WRAPPING = 3
_SEAWEEDFS_BUCKETS = "/buckets/"
# In a versioned bucket the object a.jpg is a folder a.jpg.versions, each version in it a file v_<id> that has its id as
# an attribute.
_VERSIONS_FOLDER = ".versions/"
_VERSION_ID = "Seaweed-X-Amz-Version-Id"
_SEAWEEDFS_CREATES = {"create", "update", "rename"}


class MalformedEventError(ReceiptflowError):
    """A message that is no object store's event; it stays malformed however often it is read."""


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """A hint that there is a new object, or a new version of one."""

    bucket: str
    key: str


def read_events(message: str | bytes) -> list[ObjectCreated]:
    """The created objects that a message names; none for other kinds of events and for folders.

    Raises:
        MalformedEventError: it is not an event at all.
    """
    try:
        body = json.loads(message)
        return [event for event in _events(body, _DEEPEST_WRAPPING) if _is_file(event)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedEventError(f"not an object store's event: {error!r}") from error


def _events(body: Any, wrapping: int) -> Iterator[ObjectCreated]:
    if body.get("Event") == "s3:TestEvent":
        return  # sent once when a notification is set up
    if "Records" in body:
        for record in body["Records"]:
            yield from _s3_record(record)
    elif body.get("Type") == "Notification" and "Message" in body and wrapping:
        yield from _events(json.loads(body["Message"]), wrapping - 1)
    elif "detail-type" in body and "detail" in body:
        yield from _eventbridge(body)
    elif "event_type" in body and "key" in body:
        yield from _seaweedfs(body)
    else:
        raise KeyError("neither Records, detail, Message nor event_type")


def _s3_record(record: dict[str, Any]) -> Iterator[ObjectCreated]:
    # "ObjectCreated:Put" from AWS, "s3:ObjectCreated:Put" from MinIO.
    if record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
        s3 = record["s3"]
        yield _created(s3["bucket"]["name"], unquote_plus(s3["object"]["key"], errors="strict"))


def _eventbridge(body: dict[str, Any]) -> Iterator[ObjectCreated]:
    if body["detail-type"] == "Object Created":
        yield _created(body["detail"]["bucket"]["name"], body["detail"]["object"]["key"])


def _seaweedfs(body: dict[str, Any]) -> Iterator[ObjectCreated]:
    path, entry = body["key"], body.get("message", {}).get("new_entry") or {}
    if body["event_type"] not in _SEAWEEDFS_CREATES or entry.get("is_directory"):
        return
    if not path.startswith(_SEAWEEDFS_BUCKETS):
        return
    bucket, _, key = path.removeprefix(_SEAWEEDFS_BUCKETS).partition("/")
    if key.startswith(".uploads/"):  # the parts of an upload that goes on
        return
    folder, _, name = key.rpartition(_VERSIONS_FOLDER)
    yield _created(bucket, folder if folder and name == _version_name(entry) else key)


def _version_name(entry: dict[str, Any]) -> str | None:
    """The file name of a version that SeaweedFS keeps; None for a file that somebody put under its own name."""
    version_id = (entry.get("extended") or {}).get(_VERSION_ID)
    return f"v_{b64decode(version_id).decode()}" if version_id else None


def _created(bucket: Any, key: Any) -> ObjectCreated:
    if not isinstance(bucket, str) or not isinstance(key, str) or not bucket or not key:
        raise ValueError("bucket and key must be texts")
    return ObjectCreated(bucket, key)


def _is_file(event: ObjectCreated) -> bool:
    return not event.key.endswith("/")
