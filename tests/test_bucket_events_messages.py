"""Events of S3 (direct, over SNS, through EventBridge), MinIO and SeaweedFS say the same: there may be a new object."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from deployments.ingest.bucket_events import MalformedEventError, ObjectCreated, read_events


def s3_record(key: str, name: str = "ObjectCreated:Put", bucket: str = "inbox") -> dict[str, Any]:
    stored = {"key": key, "size": 7, "eTag": "e", "versionId": "v", "sequencer": "1"}
    return {"eventVersion": "2.1", "eventName": name, "s3": {"bucket": {"name": bucket}, "object": stored}}


def seaweedfs(key: str, kind: str = "create", **entry: Any) -> dict[str, Any]:
    return {"event_type": kind, "key": key, "message": {"new_entry": {"name": key.rsplit("/", 1)[-1], **entry}}}


def test_s3_notifications_are_read_with_their_keys_decoded() -> None:
    message = {"Records": [s3_record("acme/2026+11/caf%C3%A9%2Bbar.jpg"), s3_record("b.jpg", "s3:ObjectCreated:Post")]}
    assert read_events(json.dumps(message)) == [
        ObjectCreated("inbox", "acme/2026 11/café+bar.jpg"),
        ObjectCreated("inbox", "b.jpg"),
    ]


def test_s3_notifications_over_sns_are_unwrapped() -> None:
    inner = json.dumps({"Records": [s3_record("a.jpg")]})
    assert read_events(json.dumps({"Type": "Notification", "Message": inner})) == [ObjectCreated("inbox", "a.jpg")]


def test_eventbridge_names_are_plain() -> None:
    detail = {"bucket": {"name": "inbox"}, "object": {"key": "a+b %20.jpg", "size": 1}}
    message = {"detail-type": "Object Created", "source": "aws.s3", "detail": detail}
    assert read_events(json.dumps(message)) == [ObjectCreated("inbox", "a+b %20.jpg")]
    assert read_events(json.dumps({**message, "detail-type": "Object Deleted"})) == []


def test_seaweedfs_names_are_plain_and_versions_lead_to_their_object() -> None:
    events = [
        seaweedfs("/buckets/inbox/acme/a b ü+%20.jpg", attributes={"file_size": 3}),
        seaweedfs(
            "/buckets/inbox/acme/v.jpg.versions/v_67159a2d",
            "update",
            extended={"Seaweed-X-Amz-Version-Id": base64.b64encode(b"67159a2d").decode()},
        ),
    ]
    assert [read_events(json.dumps(event)) for event in events] == [
        [ObjectCreated("inbox", "acme/a b ü+%20.jpg")],
        [ObjectCreated("inbox", "acme/v.jpg")],
    ]


@pytest.mark.parametrize(
    "message",
    [
        {"Event": "s3:TestEvent", "Bucket": "inbox"},
        {"Records": []},
        {"Records": [s3_record("a.jpg", "ObjectRemoved:Delete")]},
        {"Records": [s3_record("folder/")]},
        seaweedfs("/buckets/inbox/folder", is_directory=True),
        seaweedfs("/buckets/inbox/a.jpg", "delete"),
        seaweedfs("/buckets/inbox/.uploads/1/0001.part"),
        seaweedfs("/topics/x/a.jpg"),
        {"event_type": "delete", "key": "/buckets/inbox/a.jpg", "message": {"old_entry": {}}},
    ],
)
def test_other_events_name_no_object(message: dict[str, Any]) -> None:
    assert read_events(json.dumps(message)) == []


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no json",
        "[]",
        "7",
        "null",
        '{"a": 1}',
        '{"Records": 3}',
        '{"Records": [{}]}',
        json.dumps({"Records": [s3_record("%FF%FE")]}),
        json.dumps({"Records": [{**s3_record("a"), "s3": {"bucket": {"name": 3}, "object": {"key": []}}}]}),
        json.dumps({"Type": "Notification", "Message": "no json"}),
        '{"Type": "Notification", "Message": ' + '"{' * 50,
        "[" * 5000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_event_is_malformed(message: str | bytes) -> None:
    with pytest.raises(MalformedEventError):
        read_events(message)
