"""Where a receipt ends: expensed, in review or quarantined, each with its rows and notifications in one transaction.

All but `supersede` are attempt-bound: they refuse an attempt that was given up, and a repeat by the same
attempt (whose first answer got lost) changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.errors import UnsureError
from flows.domain.fields import ReceiptFields
from flows.ledger.errors import WrongStateError
from flows.ledger.expenses import find_same_purchase, post, revision_of, void
from flows.ledger.locking import (
    clean,
    lock_attempt,
    lock_content_of,
    lock_content_of_attempt,
    write,
    write_state,
)
from flows.ledger.notifications import enqueue_expense, enqueue_outcome
from flows.ledger.receipts.contents import promote_duplicate
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
from flows.ledger.values import Attempt, Extraction, Recorded, SamePurchase


def record_expense(
    attempt: Attempt,
    fields: ReceiptFields,
    extraction: Extraction,
    *,
    session: Session,
    channels: Sequence[str] = ("owner",),
) -> Recorded | SamePurchase:
    """Post the expense of the attempt's content: twice is one row, one set of lines, one notification a channel.

    What seems to be a purchase that is posted already goes to review.

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
    receipt = lock_attempt(attempt, State.EXPENSED, State.REVIEW, session=session)
    if fields.total is None:
        raise UnsureError("no total was found; enter it by hand")
    if receipt.state is State.REVIEW:
        return _same_purchase(receipt)
    if receipt.state is State.EXPENSED:
        known = session.exec(select(Expense.id).where(Expense.content_id == receipt.content_id)).one()
        return Recorded(known, created=False)
    extraction_id = _keep(receipt, fields, extraction, session=session)
    if other := find_same_purchase(receipt, fields, session=session):
        same = SamePurchase(other)
        columns = {"code": "same_purchase", "same_purchase_as": other}
        _review(receipt, fields, (same.reason,), channels, session=session, **columns)
        return same
    posted = post(receipt, extraction_id, fields, session=session)
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
) -> None:
    """Send the receipt to review; an expense that an earlier reading posted is voided.

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
    receipt = lock_attempt(attempt, State.REVIEW, session=session)
    if receipt.state is State.REVIEW:
        return
    if fields is not None and extraction is not None:
        _keep(receipt, fields, extraction, session=session)
    reasons = reasons or (fields.reasons if fields else ())
    _review(receipt, fields, reasons, channels, session=session, code=code)


def _review(
    receipt: Receipt,
    fields: ReceiptFields | None,
    reasons: Sequence[str],
    channels: Sequence[str],
    *,
    session: Session,
    **columns: Any,
) -> None:
    _void(receipt, reasons, channels, session=session)
    write_state(receipt, State.REVIEW, reason="; ".join(reasons), session=session, process=None, **columns)
    _enqueue_outcome(receipt, NotificationKind.NEEDS_REVIEW, channels, fields, reasons, session=session)


def _same_purchase(receipt: Receipt) -> SamePurchase:
    """What the attempt was answered before, its answer having been lost on the way."""
    if receipt.same_purchase_as is None:
        raise WrongStateError(receipt.id, receipt.state, "it was sent to review by the same attempt")
    return SamePurchase(receipt.same_purchase_as)


def record_quarantine(
    attempt: Attempt, reason: str, *, session: Session, code: str = "unreadable", channels: Sequence[str] = ("owner",)
) -> None:
    """Quarantine what cannot be read; the original is kept. Arguments as for `record_review`.

    With one of `OBJECT_GONE_CODES` a content that it had claimed passes on to the next receipt with the same content.

    Raises:
        FencedError: The attempt was given up.
    """
    if code in OBJECT_GONE_CODES:
        content, receipt = lock_content_of_attempt(attempt, State.QUARANTINED, session=session)
    else:
        content, receipt = None, lock_attempt(attempt, State.QUARANTINED, session=session)
    if receipt.state is State.QUARANTINED:
        return
    _quarantine(receipt, reason, code, channels, session=session)
    _give_up(receipt, content, session=session)


def supersede(receipt_id: UUID, reason: str, *, session: Session) -> bool:
    """Close a receipt whose object was replaced or deleted before it was read, without notifying its owner.

    Webhooks are notified of an expense that is voided with it.

    A content that it had claimed passes on to the next receipt with the same content.

    Returns:
        Whether it was closed; False if it is final already.

    Raises:
        ReceiptNotFoundError: There is none.
    """
    content, receipt = lock_content_of(receipt_id, session=session)
    if receipt.state in FINAL_STATES:
        return False
    _void(receipt, (reason,), (), session=session)
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
    _void(receipt, (reason,), channels, session=session)
    write_state(receipt, State.QUARANTINED, reason=reason, code=code, session=session, process=None)
    _enqueue_outcome(receipt, NotificationKind.QUARANTINED, channels, None, (reason,), session=session)


def _void(receipt: Receipt, reasons: Sequence[str], channels: Sequence[str], *, session: Session) -> None:
    """Void the receipt's expense, if it has one that counts, and say so to whoever was told of it."""
    expense = void(receipt, "; ".join(reasons), session=session)
    if expense is not None:
        kind = NotificationKind.EXPENSE_VOIDED
        enqueue_expense(receipt, kind, channels, expense, reasons=reasons, session=session)


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


def _keep(receipt: Receipt, fields: ReceiptFields, extraction: Extraction, *, session: Session) -> UUID:
    holds = select(Content.id).where(Content.id == receipt.content_id, Content.canonical_receipt_id == receipt.id)
    if session.exec(holds).one_or_none() is None:
        raise WrongStateError(receipt.id, "not the canonical receipt of a content", "claim it with claim_content first")
    identity = {
        "content_id": receipt.content_id,
        "engine": extraction.engine,
        "engine_version": extraction.engine_version,
        "parser_version": fields.parser_version,
    }
    read = {
        "fields": clean(fields.model_dump(mode="json")),
        "words_key": extraction.words_key,
        "decision": fields.decision,
    }
    query = insert(ExtractionRow).values(**identity, **read)
    query = query.on_conflict_do_update(index_elements=list(identity), set_=read)
    kept: UUID = session.execute(query.returning(col(ExtractionRow.id))).scalar_one()
    return kept
