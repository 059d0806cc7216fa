"""Overwritten versions in the inbox whose content is kept by another receipt: the bytes are there a second time.

No original goes: a version is removed only if its receipt is a duplicate, the receipt that has the content is finished,
and that one's object is in the bucket.
"""

from __future__ import annotations

from flows.ledger.receipts import get_receipt, receipt_at
from flows.ledger.retention import Expiry
from flows.ledger.schema import State
from flows.ledger.views import ReceiptView
from flows.pipeline.configuration import Pipeline
from flows.storage import Inbox, ObjectGoneError, ObjectVersion


def prune_duplicates(pipeline: Pipeline, expiry: Expiry, dry_run: bool) -> int:
    """Remove the overwritten versions that may go; returns how many."""
    inbox, pruned = pipeline.inbox(), 0
    for page in inbox.older_pages():
        for version, modified in page:
            if modified < expiry.before and _may_go(pipeline, inbox, version, expiry):
                pruned += 1
                if not dry_run:
                    inbox.remove(version)
    return pruned


def _may_go(pipeline: Pipeline, inbox: Inbox, version: ObjectVersion, expiry: Expiry) -> bool:
    with pipeline.ledger.session() as session:
        receipt = receipt_at(version.bucket, version.key, version.etag, version.version_id, session=session)
        if receipt is None or receipt.state is not State.DUPLICATE or receipt.duplicate_of is None:
            return False
        original = get_receipt(receipt.duplicate_of, session=session)
    return receipt.owner not in expiry.held and _is_kept(inbox, original) and _is_there(inbox, version.key)


def _is_kept(inbox: Inbox, original: ReceiptView) -> bool:
    version = ObjectVersion(original.bucket, original.key, original.etag, original.size_bytes, original.version_id)
    return original.state.is_final and original.bucket == inbox.bucket and inbox.holds(version)


def _is_there(inbox: Inbox, key: str) -> bool:
    """Whether the key has a present object: a deleted one's versions are all that is left of it."""
    try:
        inbox.head(key)
    except ObjectGoneError:
        return False
    return True
