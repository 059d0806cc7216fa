"""The inbox bucket against the ledger's receipts: every object known, every receipt's object still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flows.domain.junk_files import is_junk_file
from flows.ledger.receipts import unknown_objects, walk_receipts
from flows.ledger.schema import OBJECT_GONE_CODES, Source, State
from flows.ledger.values import ReceivedObject
from flows.ledger.views import ReceiptView
from flows.pipeline.configuration import Pipeline
from flows.reconciliation.discrepancy import Counts, Discrepancy, Kind
from flows.reconciliation.merging import side_by_side, sorted_on_disk
from flows.storage import Inbox, ObjectVersion


def compare_objects(pipeline: Pipeline, counts: Counts) -> Iterator[Discrepancy]:
    """Look through the whole bucket and all its receipts in one merge, with constant memory."""
    inbox = pipeline.inbox()
    with sorted_on_disk(_columns(one) for page in inbox.pages() for one in page) as listed:
        objects = (ObjectVersion(inbox.bucket, key, etag, int(size), id_) for key, etag, size, id_ in listed)
        receipts = walk_receipts(pipeline.ledger, bucket=inbox.bucket)
        for there, known in side_by_side(objects, receipts, lambda one: one.key.encode(), lambda one: one.key.encode()):
            counts.objects += len(there)
            counts.receipts.update(receipt.state.value for receipt in known)
            yield from _unknown(pipeline, there, known, counts)
            yield from _gone(inbox, there, known, counts)


def _columns(version: ObjectVersion) -> tuple[str, ...]:
    return version.key, version.etag, str(version.size_bytes), version.version_id


def _same(version: ObjectVersion, receipt: ReceiptView) -> bool:
    """Whether the receipt is this object's; where one side names no version, the ETag decides, as in the ledger."""
    return version.etag == receipt.etag and (
        version.version_id == receipt.version_id or not (version.version_id and receipt.version_id)
    )


def _is_known_gone(receipt: ReceiptView) -> bool:
    """Whether the receipt ended because its object was gone; one that is there now was put back."""
    return receipt.state is State.QUARANTINED and receipt.reason_code in OBJECT_GONE_CODES


def _unknown(
    pipeline: Pipeline, there: Sequence[ObjectVersion], known: Sequence[ReceiptView], counts: Counts
) -> Iterator[Discrepancy]:
    for version in there:
        if any(_same(version, receipt) and not _is_known_gone(receipt) for receipt in known):
            continue
        if is_junk_file(version.key):
            counts.skipped += 1
            continue
        with pipeline.ledger.session() as session:  # it may have been received since the page was read
            if not unknown_objects([ReceivedObject.of(version, Source.SWEEP)], session=session):
                continue
        words = "It lies in the inbox and was never received; the next sweep receives it."
        yield Discrepancy(Kind.UNKNOWN_OBJECT, version.key, words, version=version)


def _gone(
    inbox: Inbox, there: Sequence[ObjectVersion], known: Sequence[ReceiptView], counts: Counts
) -> Iterator[Discrepancy]:
    for receipt in known:
        if _is_known_gone(receipt) or any(_same(version, receipt) for version in there):
            continue
        version = ObjectVersion(receipt.bucket, receipt.key, receipt.etag, receipt.size_bytes, receipt.version_id)
        if inbox.holds(version):
            continue  # an older version that the bucket keeps, or one that was put since the listing
        if not receipt.state.is_final:
            words = f"The object of this {receipt.state.value} receipt is not in the bucket any more."
            yield Discrepancy(Kind.OBJECT_GONE, receipt.key, words, receipt_id=receipt.id)
        elif there:
            counts.replaced_objects += 1
        else:
            words = f"The receipt is {receipt.state.value}, its original is not in the bucket; restore it."
            yield Discrepancy(Kind.ORIGINAL_GONE, receipt.key, words, receipt_id=receipt.id)
