"""Contents: the same bytes from the same owner are read once and posted once.

The receipt that claimed a content first is its canonical one; later ones are its duplicates. A canonical receipt whose
object vanished before it was read passes the content on, so that its duplicates are not left pointing at nothing.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.ledger.errors import DELETED, FencedError
from flows.ledger.expenses import reassign
from flows.ledger.locking import lock_attempt, lock_content, lock_hash, lock_receipt, write, write_state
from flows.ledger.receipts.attempts import requeue
from flows.ledger.schema import Content, Receipt, State
from flows.ledger.values import Attempt, Claimed, DuplicateOf


def claim_content(
    attempt: Attempt, sha256: str, *, session: Session, size_bytes: int = 0, media_type: str = ""
) -> Claimed | DuplicateOf:
    """Claim a content for the attempt's receipt, or mark the receipt a duplicate of the one that has it.

    Of any number of receipts that race for one content exactly one gets it. A repeat gives the same answer.

    Args:
        attempt: Who claims.
        sha256: Of the object's bytes, in hexadecimal.
        session: The transaction.
        size_bytes: Their number.
        media_type: As found in the bytes.

    Raises:
        FencedError: The attempt was given up.
    """
    owner = session.exec(select(Receipt.owner).where(Receipt.id == attempt.receipt_id)).one_or_none()
    if owner is None:
        raise FencedError(attempt.receipt_id, attempt.number, DELETED)
    lock_hash(sha256, session=session)
    content = _content(owner, sha256, media_type, size_bytes, session=session)
    receipt = lock_attempt(attempt, State.DUPLICATE, session=session)
    if receipt.state is State.DUPLICATE and receipt.duplicate_of:
        return DuplicateOf(receipt.duplicate_of)
    if content.canonical_receipt_id is None:
        query = update(Content).where(col(Content.id) == content.id).values(canonical_receipt_id=receipt.id)
        session.execute(query.values(claimed_at=func.now()))
        reassign(content.id, receipt.id, session=session)
    elif content.canonical_receipt_id != receipt.id:
        return _mark_duplicate(receipt, content, session=session)
    write(receipt, session=session, content_id=content.id, sha256=sha256)
    return Claimed(content.id)


def promote_duplicate(content: Content, *, session: Session) -> UUID | None:
    """Take a locked content from its canonical receipt: the oldest duplicate waits to be read instead.

    Returns:
        The new canonical receipt; None if there was no duplicate, and the next receipt that claims the content gets it.
    """
    duplicates = session.exec(
        select(Receipt.id)
        .where(Receipt.content_id == content.id, Receipt.state == State.DUPLICATE)
        .order_by(col(Receipt.received_at), col(Receipt.id))
        .with_for_update(key_share=True)  # one that is read again meanwhile is no duplicate any more
    ).all()
    successor = lock_receipt(duplicates[0], session=session) if duplicates else None
    query = update(Content).where(col(Content.id) == content.id)
    session.execute(query.values(canonical_receipt_id=successor.id if successor else None))
    if successor is None:
        return None
    reassign(content.id, successor.id, session=session)
    requeue(
        successor,
        "the receipt with the same content that came first is gone",
        session=session,
        content_id=content.id,
        sha256=content.sha256,
    )
    others = update(Receipt).where(col(Receipt.id).in_(duplicates[1:])).values(duplicate_of=successor.id)
    session.execute(others)
    return successor.id


def _content(owner: str, sha256: str, media_type: str, size_bytes: int, *, session: Session) -> Content:
    """The owner's content with this hash, made if need be, locked."""
    values = {"owner": owner, "sha256": sha256, "media_type": media_type, "size_bytes": size_bytes}
    session.execute(insert(Content).values(**values).on_conflict_do_nothing(index_elements=["owner", "sha256"]))
    query = select(Content.id).where(Content.owner == owner, Content.sha256 == sha256)
    content = lock_content(session.exec(query).one(), session=session)
    # Deleted between the two statements: a rare race, and the second try makes a new row.
    return content or _content(owner, sha256, media_type, size_bytes, session=session)


def _mark_duplicate(receipt: Receipt, content: Content, *, session: Session) -> DuplicateOf:
    if content.canonical_receipt_id is None:
        raise RuntimeError(f"content {content.id} has no canonical receipt; this is a bug")
    first = session.exec(select(Receipt.key).where(Receipt.id == content.canonical_receipt_id)).one()
    write_state(
        receipt,
        State.DUPLICATE,
        reason=f"the same content as {first}",
        code="duplicate",
        session=session,
        duplicate_of=content.canonical_receipt_id,
        content_id=content.id,
        sha256=content.sha256,
        process=None,
    )
    return DuplicateOf(content.canonical_receipt_id)
