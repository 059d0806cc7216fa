"""The sweep receives what lies in the inbox, passes over what an operating system left there, and says so."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ledger_helpers import count

from flows.ledger.database import Ledger
from flows.pipeline.configuration import Pipeline
from flows.reading.reader import Reader
from flows.reconciliation import Counts
from flows.reconciliation.objects import compare_objects
from flows.storage import Results
from flows.sweep_inbox import SweepCounts, receive_unknown, report

JUNK = ("acme/.DS_Store", "acme/._lunch.jpg", "acme/Thumbs.db", "acme/desktop.ini", "acme/~$trip.pdf")


@pytest.fixture(params=[False, True], ids=["plain", "versioned"])
def pipeline(request: pytest.FixtureRequest, ledger: Ledger, s3_client: Any) -> Iterator[Pipeline]:
    """A pipeline on buckets of its own."""
    inbox, results = f"inbox-{uuid.uuid4().hex[:8]}", f"results-{uuid.uuid4().hex[:8]}"
    for bucket in (inbox, results):
        s3_client.create_bucket(Bucket=bucket)
    if request.param:
        s3_client.put_bucket_versioning(Bucket=inbox, VersioningConfiguration={"Status": "Enabled"})
    yield Pipeline(
        inbox_name=inbox,
        s3=s3_client,
        results=Results(s3_client, results),
        ledger=ledger,
        open_reader=partial(Reader, engine="tesseract"),
        max_bytes=1000,
        notification=None,
    )


async def test_junk_is_skipped_counted_and_listed(pipeline: Pipeline) -> None:
    for key in ("acme/lunch.jpg", *JUNK):
        pipeline.inbox().put(key, key.encode())
    counts = SweepCounts()
    await receive_unknown(pipeline, counts, bucket=None, prefix="")
    assert (counts.listed, counts.received, counts.skipped) == (6, 1, len(JUNK))
    assert count(pipeline.ledger, "receipts") == 1
    assert f"{len(JUNK)} files of an operating system skipped" in counts.in_words()
    markdown = report(counts)
    assert all(f"`{key}`" in markdown for key in JUNK)
    assert "lunch.jpg`" not in markdown.replace("._lunch.jpg`", "")


async def test_reconciling_does_not_ask_for_a_receipt_of_junk(pipeline: Pipeline) -> None:
    for key in JUNK:
        pipeline.inbox().put(key, key.encode())
    counts = Counts()
    assert list(compare_objects(pipeline, counts)) == []
    assert counts.skipped == len(JUNK)
