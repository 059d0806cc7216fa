"""What the embedded SeaweedFS accepts it lists, and what it announces leads to the object."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import s3_client_of

from deployments.ingest.bucket_events import ObjectCreated, read_events
from deployments.stack import Stack
from deployments.stack.settings import StackSettings
from flows.storage import Inbox

HIDDEN = "acme/trip.versions/lunch.jpg"


@pytest.fixture(scope="module")
def announced(stack_settings: Callable[[], StackSettings]) -> Iterator[tuple[Stack, Queue[bytes]]]:
    """A SeaweedFS, and the events that it posts to where the gateway would listen."""
    settings, events = stack_settings(), Queue[bytes]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with Stack(settings, core=["seaweedfs"]) as stack:
        listener = ThreadingHTTPServer(("127.0.0.1", settings.ports.gateway), Handler)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield stack, events
        listener.shutdown()
        listener.server_close()


def hints(events: Queue[bytes], key: str) -> list[ObjectCreated]:
    """What is announced until this key is, folders left out."""
    seen: list[ObjectCreated] = []
    while ObjectCreated("inbox", key) not in seen:
        seen += read_events(events.get(timeout=60))
    return seen


def test_an_event_of_a_versioned_object_leads_to_its_key(announced: tuple[Stack, Queue[bytes]]) -> None:
    stack, events = announced
    client = s3_client_of(stack)
    client.put_object(Bucket="inbox", Key="acme/a.jpg", Body=b"1")
    client.copy_object(Bucket="inbox", Key="acme/b.jpg", CopySource="inbox/acme/a.jpg")
    upload = client.create_multipart_upload(Bucket="inbox", Key="acme/c.jpg")["UploadId"]
    part = client.upload_part(Bucket="inbox", Key="acme/c.jpg", PartNumber=1, UploadId=upload, Body=b"2")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    client.complete_multipart_upload(Bucket="inbox", Key="acme/c.jpg", UploadId=upload, MultipartUpload=parts)
    for key in ("acme/a.jpg", "acme/b.jpg", "acme/c.jpg"):
        assert {hint.key for hint in hints(events, key)} <= {"acme/a.jpg", "acme/b.jpg", "acme/c.jpg"}


def test_a_folder_that_listings_would_hide_is_refused(announced: tuple[Stack, Queue[bytes]]) -> None:
    """SeaweedFS takes folders `*.versions` for its own and lists nothing in them: no sweep would find the object."""
    client = s3_client_of(announced[0])
    ways: list[Callable[[], Any]] = [
        lambda: client.put_object(Bucket="inbox", Key=HIDDEN, Body=b"1"),
        lambda: client.put_object(Bucket="inbox", Key="trip.versions/deep/lunch.jpg", Body=b"1"),
        lambda: client.create_multipart_upload(Bucket="inbox", Key=HIDDEN),
        lambda: client.copy_object(Bucket="inbox", Key=HIDDEN, CopySource="inbox/acme/seen.jpg"),
    ]
    client.put_object(Bucket="inbox", Key="acme/seen.jpg", Body=b"1")
    for way in ways:
        with pytest.raises(ClientError, match="AccessDenied"):
            way()
    for key in ("acme/versions/1.jpg", "acme/trip.versions.jpg", "acme/trip versions/1.jpg"):
        client.put_object(Bucket="inbox", Key=key, Body=b"1")
        assert key in {one.key for page in Inbox(client, "inbox").pages() for one in page}


def test_a_users_folder_is_no_version(announced: tuple[Stack, Queue[bytes]]) -> None:
    """As an event of a SeaweedFS elsewhere, whose bucket is not versioned, has it."""
    path = f"/buckets/inbox/{HIDDEN}"
    for key in (HIDDEN, "acme/trip.versions/v_6713d511812c3a5485170f02fdd7f548"):
        event = {"event_type": "create", "key": f"/buckets/inbox/{key}", "message": {"new_entry": {"name": path}}}
        assert read_events(json.dumps(event)) == [ObjectCreated("inbox", key)]
