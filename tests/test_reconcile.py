"""Reconciling finds each way in which buckets, ledger and runs can contradict each other, and puts right what it can.

Real buckets, a real ledger, a real Prefect server; what is found is counted by kind, and the memory of a look does
not grow with the number of objects.
"""

from __future__ import annotations

import asyncio
import tracemalloc
import uuid
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from conftest import remove_bucket
from ledger_helpers import an_object, claimed, duplicate, expensed, received
from sqlalchemy import text

from flows.ledger.audit import results_are_unneeded
from flows.ledger.database import Ledger
from flows.ledger.receipts import get_receipt, pass_content_on, receive_many, reopen, supersede
from flows.pipeline.configuration import Pipeline
from flows.reading.reader import Reader
from flows.reconciliation import Counts, Discrepancy, Kind, Repairer
from flows.reconciliation.merging import side_by_side, sorted_on_disk
from flows.reconciliation.objects import compare_objects
from flows.reconciliation.results import compare_results
from flows.reconciliation.rows import compare_rows
from flows.storage import Results


@pytest.fixture
def pipeline(ledger: Ledger, s3_client: Any) -> Iterator[Pipeline]:
    """A pipeline on buckets of its own: the others' are full of other tests' objects."""
    inbox, results = f"inbox-{uuid.uuid4().hex[:8]}", f"results-{uuid.uuid4().hex[:8]}"
    for bucket in (inbox, results):
        s3_client.create_bucket(Bucket=bucket)
    yield Pipeline(
        inbox_name=inbox,
        s3=s3_client,
        results=Results(s3_client, results),
        ledger=ledger,
        open_reader=partial(Reader, engine="tesseract"),
        max_bytes=1000,
        notification=None,
    )
    for bucket in (inbox, results):
        remove_bucket(s3_client, bucket)


def put(pipeline: Pipeline, key: str) -> str:
    """Store an object; its ETag."""
    return pipeline.inbox().put(key, key.encode()).etag


def receive(pipeline: Pipeline, key: str) -> uuid.UUID:
    """Store an object and receive it."""
    return received(pipeline.ledger, key, bucket=pipeline.inbox_name, etag=put(pipeline, key))


def kinds(found: Iterator[Discrepancy]) -> list[Kind]:
    return [one.kind for one in found]


def execute(ledger: Ledger, statement: str, **values: Any) -> None:
    with ledger.session() as session:
        session.execute(text(statement), values)


AWKWARD = ["a/1", "a!/1", "a-b/1", "a.txt", "a/b c/1", "a/b/1", "a/b.txt", "é/1", "Z", "a\uffee/1", "a\U0001f600/1"]


def test_everything_known_and_there_is_no_discrepancy_whatever_the_order_of_the_listing(pipeline: Pipeline) -> None:
    for key in AWKWARD:
        receive(pipeline, key)
    counts = Counts()
    assert list(compare_objects(pipeline, counts)) == []
    assert (counts.objects, counts.receipts.total()) == (len(AWKWARD), len(AWKWARD))


@pytest.mark.parametrize("versioning", [False, True])
def test_listing_is_complete_whatever_the_size_of_its_pages(
    pipeline: Pipeline, s3_client: Any, versioning: bool
) -> None:
    if versioning:
        s3_client.put_bucket_versioning(Bucket=pipeline.inbox_name, VersioningConfiguration={"Status": "Enabled"})
    for key in AWKWARD:
        put(pipeline, key)
    put(pipeline, "Z")
    listed = {one.key for page in pipeline.inbox().pages(page_size=3) for one in page}
    assert sorted(listed) == sorted(AWKWARD)


def test_a_listing_is_parsed_without_what_nobody_asks_for(pipeline: Pipeline, s3_client: Any) -> None:
    key = "odd/<Owner> & <LastModified>2024</LastModified>.jpg"
    etag = put(pipeline, key)
    assert [(one.key, one.etag) for page in pipeline.inbox().pages() for one in page] == [(key, etag)]
    (entry,) = s3_client.list_objects_v2(Bucket=pipeline.inbox_name)["Contents"]
    assert entry["Size"] == len(key)
    assert not {"LastModified", "Owner", "StorageClass"} & set(entry)


def test_object_that_was_never_received_is_found(pipeline: Pipeline) -> None:
    for key in AWKWARD:
        receive(pipeline, key)
    put(pipeline, "a-c/new")
    (found,) = compare_objects(pipeline, Counts())
    assert (found.kind, found.subject) == (Kind.UNKNOWN_OBJECT, "a-c/new")


def test_key_that_holds_another_object_since_is_two_receipts(pipeline: Pipeline) -> None:
    first = receive(pipeline, "a/1")
    pipeline.inbox().put("a/1", b"other")
    found = {one.kind: one for one in compare_objects(pipeline, Counts())}
    assert found.keys() == {Kind.UNKNOWN_OBJECT, Kind.OBJECT_GONE}
    assert found[Kind.OBJECT_GONE].receipt_id == first


@pytest.mark.parametrize(
    ("state", "kind"), [("waiting", Kind.OBJECT_GONE), ("review", Kind.ORIGINAL_GONE), ("quarantined", None)]
)
def test_object_that_is_gone_is_found_by_the_state_of_its_receipt(
    pipeline: Pipeline, s3_client: Any, state: str, kind: Kind | None
) -> None:
    receipt_id = receive(pipeline, "a/1")
    code = "superseded" if state == "quarantined" else None
    execute(
        pipeline.ledger, "UPDATE receipts SET state = :s, reason_code = :c WHERE id = :i", s=state, c=code, i=receipt_id
    )
    s3_client.delete_object(Bucket=pipeline.inbox_name, Key="a/1")
    assert kinds(compare_objects(pipeline, Counts())) == ([kind] if kind else [])


def test_version_that_a_versioned_bucket_keeps_is_there(pipeline: Pipeline, s3_client: Any) -> None:
    s3_client.put_bucket_versioning(Bucket=pipeline.inbox_name, VersioningConfiguration={"Status": "Enabled"})
    first = pipeline.inbox().put("a/1", b"first")
    received(pipeline.ledger, "a/1", bucket=first.bucket, etag=first.etag, version_id=first.version_id)
    second = pipeline.inbox().put("a/1", b"second")
    received(pipeline.ledger, "a/1", bucket=second.bucket, etag=second.etag, version_id=second.version_id)
    assert first.version_id
    assert list(compare_objects(pipeline, Counts())) == []
    unseen = pipeline.inbox().put("a/1", b"third")
    pipeline.inbox().put("a/1", b"second")
    found = list(compare_objects(pipeline, Counts()))
    assert {one.version.version_id for one in found if one.version} >= {unseen.version_id}


def test_results_without_content_are_found_and_contents_without_results_counted(pipeline: Pipeline) -> None:
    claimed(pipeline.ledger, "a/1", sha256="aa" * 32)
    claimed(pipeline.ledger, "a/2", sha256="bb" * 32)
    for sha256 in ("bb", "cc"):
        for step in ("extract_text/1.json", "preview.jpg"):
            pipeline.results.put(f"{sha256 * 32}/{step}", b"{}")
    counts = Counts()
    (found,) = compare_results(pipeline, counts)
    assert (found.kind, found.subject) == (Kind.RESULTS_ORPHANED, "cc" * 32)
    assert (counts.contents, counts.results, counts.contents_without_results) == (2, 2, 1)


def test_orphaned_results_are_removed_once_nothing_to_be_read_could_need_them(pipeline: Pipeline) -> None:
    """After the loss of a ledger the results spare the reading of receipts that are received again."""
    pipeline.results.put(f"{'cc' * 32}/extract_text/1.json", b"{}")
    pipeline.results.put(f"{'aa' * 32}/extract_text/1.json", b"{}")
    expensed(pipeline.ledger, "a/1", sha256="aa" * 32)
    unread = received(pipeline.ledger, "a/2")

    def unneeded(sha256: str) -> bool:
        with pipeline.ledger.session() as session:
            return results_are_unneeded(sha256 * 32, session=session)

    assert not unneeded("cc")
    with pipeline.ledger.session() as session:
        supersede(unread, "gone", session=session)
    assert (unneeded("aa"), unneeded("cc")) == (False, True)
    repairer = Repairer(pipeline, None, None)  # type: ignore[arg-type]  # this repair asks neither
    (found,) = compare_results(pipeline, Counts())
    assert asyncio.run(repairer.repair(found)) == "removed"
    assert list(compare_results(pipeline, Counts())) == []


def test_sound_ledger_has_no_contradictions(pipeline: Pipeline) -> None:
    expensed(pipeline.ledger, "a/1", sha256="aa" * 32)
    duplicate(pipeline.ledger, "a/2", sha256="aa" * 32)
    reopened = expensed(pipeline.ledger, "a/3", sha256="bb" * 32, total=99)
    with pipeline.ledger.session() as session:
        reopen(reopened.receipt_id, "again", session=session)
    counts = Counts()
    assert list(compare_rows(pipeline.ledger, counts)) == []
    assert counts.expenses == 2


def test_expense_that_is_missing_is_found(pipeline: Pipeline) -> None:
    attempt = expensed(pipeline.ledger, "a/1")
    execute(pipeline.ledger, "DELETE FROM expenses")
    (found,) = compare_rows(pipeline.ledger, Counts())
    assert (found.kind, found.receipt_id) == (Kind.EXPENSE_MISSING, attempt.receipt_id)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE receipts SET state = 'review'",
        "UPDATE receipts SET content_id = NULL",
        "UPDATE contents SET canonical_receipt_id = NULL",
    ],
)
def test_expense_that_does_not_fit_its_receipt_is_found(pipeline: Pipeline, damage: str) -> None:
    expensed(pipeline.ledger, "a/1")
    execute(pipeline.ledger, damage)
    assert Kind.EXPENSE_BROKEN in kinds(compare_rows(pipeline.ledger, Counts()))


def test_duplicate_of_a_receipt_with_another_content_is_found(pipeline: Pipeline) -> None:
    expensed(pipeline.ledger, "a/1", sha256="aa" * 32)
    other = expensed(pipeline.ledger, "a/2", sha256="bb" * 32, total=99)
    lost = duplicate(pipeline.ledger, "a/3", sha256="aa" * 32)
    execute(
        pipeline.ledger, "UPDATE receipts SET duplicate_of = :o WHERE id = :i", o=other.receipt_id, i=lost.receipt_id
    )
    (found,) = compare_rows(pipeline.ledger, Counts())
    assert (found.kind, found.receipt_id) == (Kind.DUPLICATE_BROKEN, lost.receipt_id)


def test_content_that_a_vanished_receipt_keeps_is_found_and_passed_on(pipeline: Pipeline) -> None:
    """Ledgers of before have such; ending a receipt without its object passes its content on since."""
    vanished = claimed(pipeline.ledger, "a/1")
    heir = duplicate(pipeline.ledger, "a/2")
    execute(
        pipeline.ledger,
        "UPDATE receipts SET state = 'quarantined', reason_code = 'ObjectGone' WHERE id = :i",
        i=vanished.receipt_id,
    )
    (found,) = compare_rows(pipeline.ledger, Counts())
    assert (found.kind, found.receipt_id) == (Kind.CONTENT_ABANDONED, vanished.receipt_id)
    with pipeline.ledger.session() as session:
        assert pass_content_on(vanished.receipt_id, session=session) == heir.receipt_id
        assert pass_content_on(vanished.receipt_id, session=session) is None
    assert list(compare_rows(pipeline.ledger, Counts())) == []


def test_object_that_was_put_back_is_unknown_until_it_is_received(pipeline: Pipeline) -> None:
    receipt_id = receive(pipeline, "a/1")
    with pipeline.ledger.session() as session:
        supersede(receipt_id, "gone", session=session)
    assert kinds(compare_objects(pipeline, Counts())) == [Kind.UNKNOWN_OBJECT]
    with pipeline.ledger.session() as session:
        etag = get_receipt(receipt_id, session=session).etag
    received(pipeline.ledger, "a/1", bucket=pipeline.inbox_name, etag=etag)
    assert list(compare_objects(pipeline, Counts())) == []


def test_forgotten_receipts_and_notifications_are_found_once_they_are_old(pipeline: Pipeline) -> None:
    expensed(pipeline.ledger, "a/1")
    received(pipeline.ledger, "a/2")
    assert list(compare_rows(pipeline.ledger, Counts())) == []
    execute(pipeline.ledger, "UPDATE receipts SET updated_at = now() - interval '1 day'")
    execute(pipeline.ledger, "UPDATE notifications SET next_attempt_at = now() - interval '1 day'")
    assert Counter(kinds(compare_rows(pipeline.ledger, Counts()))) == {
        Kind.NEVER_SUBMITTED: 1,
        Kind.NOTIFICATION_STUCK: 1,
    }


def test_more_findings_than_a_page_are_all_found(pipeline: Pipeline) -> None:
    with pipeline.ledger.session() as session:
        receive_many([an_object(f"a/{number}") for number in range(2100)], session=session)
    execute(pipeline.ledger, "UPDATE receipts SET updated_at = now() - interval '1 day'")
    assert len(list(compare_rows(pipeline.ledger, Counts()))) == 2100


def test_streams_are_held_side_by_side_and_disorder_is_refused() -> None:
    both = side_by_side(["a", "b", "b", "d"], ["b", "c", "d"], str.encode, str.encode)
    assert list(both) == [(["a"], []), (["b", "b"], ["b"]), ([], ["c"]), (["d"], ["d"])]
    with pytest.raises(ValueError, match="not sorted"):
        list(side_by_side(["b", "a"], [], str.encode, str.encode))


def test_sorting_a_long_listing_and_merging_it_takes_constant_memory() -> None:
    few, many = (peak_bytes(count) for count in (5_000, 50_000))
    assert many < few + 500_000


def peak_bytes(count: int) -> int:
    """The most memory that Python held while so many rows were sorted and merged, in bytes."""
    tracemalloc.start()
    rows = ((f"{number * 7919 % count:08d}", "etag", "7") for number in range(count))
    with sorted_on_disk(rows) as listed:
        known = (f"{number:08d}" for number in range(count))
        both = side_by_side(listed, known, lambda row: row[0].encode(), str.encode)
        assert sum(1 for there, here in both if there and here) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
