"""Where a receipt ends: expensed, in review or quarantined, each with its rows and notifications in one transaction.

All but `supersede` are attempt-bound: they refuse an attempt that was given up, and a repeat by the same
attempt (whose first answer got lost) changes nothing. What a person has settled, none of them changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.errors import UnsureError
from flows.domain.fields import ReceiptFields
from flows.ledger.errors import WrongStateError
from flows.ledger.expenses import find_same_purchase, keep_text, post, revision_of, values_of
from flows.ledger.locking import (
    clean,
    lock_attempt,
    lock_content_of,
    lock_content_of_attempt,
    write,
    write_state,
)
from flows.ledger.notifications import enqueue_expense, enqueue_outcome
from flows.ledger.receipts.booking import settle, take_reading, void_parts
from flows.ledger.receipts.contents import promote_duplicate
from flows.ledger.rules import keep_marks
from flows.ledger.schema import (
    FINAL_STATES,
    OBJECT_GONE_CODES,
    Content,
    Expense,
    ExtractionRow,
    NotificationKind,
    Receipt,
    State,
)
from flows.ledger.values import Attempt, Extraction, Recorded, SamePurchase, Settled


def record_expense(
    attempt: Attempt,
    fields: ReceiptFields,
    extraction: Extraction,
    *,
    session: Session,
    channels: Sequence[str] = ("owner",),
) -> Recorded | SamePurchase | Settled:
    """Post the expense of the attempt's content: twice is one row, one set of lines, one notification a channel.

    What seems to be a purchase that is posted already goes to review. Corrections are laid over what was read.

    Args:
        attempt: Who posts.
        fields: What becomes the expense.
        extraction: Which engine read it.
        session: The transaction.
        channels: Whom to notify, beside the owner's webhooks.

    Raises:
        FencedError: The attempt was given up.
        WrongStateError: The attempt has not claimed its content.
        UnsureError: The fields have no total.
    """
    receipt = lock_attempt(attempt, State.EXPENSED, State.REVIEW, State.DISMISSED, session=session)
    if fields.total is None:
        raise UnsureError("no total was found; enter it by hand")
    if receipt.state is not State.RUNNING:
        return _recorded_before(receipt, session=session)
    content, extraction_id = _keep(receipt, fields, extraction, session=session)
    if content.settled:
        take_reading(receipt, content, extraction_id, fields, channels=channels, session=session)
        return settle(receipt, content, session=session)
    values = values_of(fields)
    if other := find_same_purchase(receipt, values, session=session):
        same = SamePurchase(other)
        columns = {"code": "same_purchase", "same_purchase_as": other}
        _review(receipt, fields, (same.reason,), channels, session=session, **columns)
        return same
    posted = post(receipt, extraction_id, values, session=session)
    write_state(receipt, State.EXPENSED, reason=None, session=session, process=None)
    if posted.news:
        enqueue_expense(receipt, posted.news, channels, posted.expense, session=session)
    return Recorded(posted.expense.id, created=posted.expense.revision == 1 and posted.news is not None)


def record_review(
    attempt: Attempt,
    fields: ReceiptFields | None,
    extraction: Extraction | None,
    *,
    session: Session,
    reasons: Sequence[str] = (),
    code: str = "unsure",
    channels: Sequence[str] = ("owner",),
) -> Settled | None:
    """Send the receipt to review; an expense that an earlier reading posted is voided.

    Returns:
        What a person had settled, which stays; None if it is in review.

    Args:
        attempt: Who says so.
        fields: What was read, if anything was.
        extraction: Which engine read it.
        session: The transaction.
        reasons: In words that the person can act on; the fields' own by default.
        code: One word for the metrics.
        channels: Whom to notify, beside the owner's webhooks.

    Raises:
        FencedError: The attempt was given up.
        WrongStateError: There are fields, but the attempt has not claimed their content.
    """
    receipt = lock_attempt(attempt, State.REVIEW, State.EXPENSED, State.DISMISSED, session=session)
    if receipt.state is not State.RUNNING:
        return None if receipt.state is State.REVIEW else Settled(receipt.state, receipt.reason)
    content = _content_of(receipt, session=session)
    if fields is not None and extraction is not None:
        content, _ = _keep(receipt, fields, extraction, session=session)
    if content is not None and content.settled:
        return settle(receipt, content, session=session)
    reasons = reasons or (fields.reasons if fields else ())
    _review(receipt, fields, reasons, channels, session=session, code=code)
    return None


def _review(
    receipt: Receipt,
    fields: ReceiptFields | None,
    reasons: Sequence[str],
    channels: Sequence[str],
    *,
    session: Session,
    **columns: Any,
) -> None:
    void_parts(receipt, reasons, channels, session=session)
    write_state(receipt, State.REVIEW, reason="; ".join(reasons), session=session, process=None, **columns)
    _enqueue_outcome(receipt, NotificationKind.NEEDS_REVIEW, channels, fields, reasons, session=session)


def _recorded_before(receipt: Receipt, *, session: Session) -> Recorded | SamePurchase | Settled:
    """What the attempt was answered before, its answer having been lost on the way."""
    if receipt.state is State.DISMISSED:
        return Settled(receipt.state, receipt.reason)
    if receipt.state is State.EXPENSED:
        query = select(Expense.id).where(Expense.content_id == receipt.content_id).order_by(col(Expense.part))
        return Recorded(session.exec(query.limit(1)).one(), created=False)
    if receipt.same_purchase_as is None:
        raise WrongStateError(receipt.id, receipt.state, "it was sent to review by the same attempt")
    return SamePurchase(receipt.same_purchase_as)


def record_quarantine(
    attempt: Attempt, reason: str, *, session: Session, code: str = "unreadable", channels: Sequence[str] = ("owner",)
) -> Settled | None:
    """Quarantine what cannot be read; the original is kept. Arguments and answer as for `record_review`.

    With one of `OBJECT_GONE_CODES` a content that it had claimed passes on to the next receipt with the same content.

    Raises:
        FencedError: The attempt was given up.
    """
    repeated = (State.QUARANTINED, State.EXPENSED, State.DISMISSED)
    content, receipt = lock_content_of_attempt(attempt, *repeated, session=session)
    if receipt.state is not State.RUNNING:
        return None if receipt.state is State.QUARANTINED else Settled(receipt.state, receipt.reason)
    if content is not None and content.settled and content.canonical_receipt_id == receipt.id:
        return settle(receipt, content, session=session)
    _quarantine(receipt, reason, code, channels, session=session)
    if code in OBJECT_GONE_CODES:
        _give_up(receipt, content, session=session)
    return None


def supersede(receipt_id: UUID, reason: str, *, session: Session) -> bool:
    """Close a receipt whose object was replaced or deleted before it was read, without notifying its owner.

    Webhooks are notified of an expense that is voided with it. What a person settled stays as it is.

    A content that it had claimed passes on to the next receipt with the same content.

    Returns:
        Whether it was closed; False if it is final already.

    Raises:
        ReceiptNotFoundError: There is none.
    """
    content, receipt = lock_content_of(receipt_id, session=session)
    if receipt.state in FINAL_STATES:
        return False
    if content is not None and content.settled and content.canonical_receipt_id == receipt.id:
        settle(receipt, content, session=session)
        return True
    void_parts(receipt, (reason,), (), session=session)
    write_state(receipt, State.QUARANTINED, reason=reason, code="superseded", session=session, process=None)
    _give_up(receipt, content, session=session)
    return True


def pass_content_on(receipt_id: UUID, *, session: Session) -> UUID | None:
    """Let the content of a receipt whose object is gone go to its oldest duplicate, or to whoever claims it next.

    Returns:
        The duplicate that waits to be read now.

    Raises:
        ReceiptNotFoundError: There is none.
    """
    content, receipt = lock_content_of(receipt_id, session=session)
    is_gone = receipt.state is State.QUARANTINED and receipt.reason_code in OBJECT_GONE_CODES
    return _give_up(receipt, content, session=session) if is_gone else None


def _give_up(receipt: Receipt, content: Content | None, *, session: Session) -> UUID | None:
    """Let the locked content go to another receipt. It stays named, so that it is deleted with its last receipt."""
    if content is None or content.canonical_receipt_id != receipt.id:
        return None
    write(receipt, session=session, sha256=None)  # so that whoever reads it again claims the content anew
    return promote_duplicate(content, session=session)


def _quarantine(receipt: Receipt, reason: str, code: str, channels: Sequence[str], *, session: Session) -> None:
    void_parts(receipt, (reason,), channels, session=session)
    write_state(receipt, State.QUARANTINED, reason=reason, code=code, session=session, process=None)
    _enqueue_outcome(receipt, NotificationKind.QUARANTINED, channels, None, (reason,), session=session)


def _enqueue_outcome(
    receipt: Receipt,
    kind: NotificationKind,
    channels: Sequence[str],
    fields: ReceiptFields | None,
    reasons: Sequence[str],
    *,
    session: Session,
) -> None:
    revision = revision_of(receipt.content_id, session=session)
    enqueue_outcome(receipt, kind, channels, fields, reasons, revision=revision, session=session)


def _content_of(receipt: Receipt, *, session: Session) -> Content | None:
    """The content that the locked receipt is read for, which nobody settles meanwhile."""
    holds = select(Content).where(Content.id == receipt.content_id, Content.canonical_receipt_id == receipt.id)
    return session.exec(holds).one_or_none()


def _keep(receipt: Receipt, fields: ReceiptFields, extraction: Extraction, *, session: Session) -> tuple[Content, UUID]:
    content = _content_of(receipt, session=session)
    if content is None:
        raise WrongStateError(receipt.id, "not the canonical receipt of a content", "claim it with claim_content first")
    identity = {
        "content_id": content.id,
        "engine": extraction.engine,
        "engine_version": extraction.engine_version,
        "parser_version": fields.parser_version,
    }
    read = {
        "fields": clean(fields.model_dump(mode="json")),
        "words_key": extraction.words_key,
        "decision": fields.decision,
        "created_at": func.clock_timestamp(),  # the newest reading is the one made last, also by an older version
    }
    query = insert(ExtractionRow).values(**identity, **read)
    query = query.on_conflict_do_update(index_elements=list(identity), set_=read)
    kept: UUID = session.execute(query.returning(col(ExtractionRow.id))).scalar_one()
    keep_text(content.id, extraction.text, session=session)
    keep_marks(content, fields, extraction.text, session=session)
    return content, kept
