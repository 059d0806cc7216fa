"""Deleting a content from a bucket removes all its versions under the key, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from deployments.gateway.services.originals import Originals
from flows.storage import Inbox


@pytest.fixture
def bucket(s3_client: Any) -> str:
    """An empty bucket."""
    name = f"originals-{uuid.uuid4().hex[:8]}"
    s3_client.create_bucket(Bucket=name)
    return name


def test_all_versions_with_the_content_go_and_others_stay(s3_client: Any, bucket: str) -> None:
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    inbox = Inbox(s3_client, bucket)
    once, other, again = (inbox.put("a/1", body) for body in (b"private", b"other", b"private"))
    beside = inbox.put("a/10", b"private")
    Originals(s3_client, bucket).remove("a/1", once.etag)
    assert [inbox.holds(version) for version in (once, again, other, beside)] == [False, False, True, True]
    Originals(s3_client, bucket).remove("a/1", once.etag)


def test_without_versions_only_the_content_that_was_meant_goes(s3_client: Any, bucket: str) -> None:
    inbox = Inbox(s3_client, bucket)
    meant = inbox.put("a/1", b"private")
    later = inbox.put("a/1", b"other")
    Originals(s3_client, bucket).remove("a/1", meant.etag)
    assert inbox.holds(later)
    Originals(s3_client, bucket).remove("a/1", later.etag)
    assert not inbox.holds(later)
