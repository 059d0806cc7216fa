"""What people and repair do to a receipt from outside an attempt: hold it, retry it, delete it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import delete, func, insert, update
from sqlmodel import Session, col, select

from flows.ledger.errors import ReceiptNotFoundError, WrongStateError
from flows.ledger.expenses import reassign
from flows.ledger.exports import forget_booked_values
from flows.ledger.locking import as_value, lock_content_of, lock_hash, lock_receipt
from flows.ledger.receipts.attempts import CRASHES_RESET, requeue
from flows.ledger.receipts.receive import as_waiting
from flows.ledger.rules import forget_content
from flows.ledger.schema import FINAL_STATES, Content, Expense, ExtractionRow, Receipt, State, StateChange
from flows.ledger.values import WaitingReceipt
from flows.ledger.views import Deletion, ReceiptView


def hold(receipt_id: UUID, reason: str, *, session: Session, flow_run_id: UUID | None = None) -> bool:
    """Keep a receipt from the sweep until a person reopens it. Its attempt, if one runs, is fenced.

    Args:
        receipt_id: Which receipt.
        reason: Who stopped it, and how to go on.
        session: The transaction.
        flow_run_id: The flow run that was cancelled: nothing happens if the receipt has gone on to another one.

    Returns:
        Whether it is held now; False if it is final already or went on.

    Raises:
        ReceiptNotFoundError: There is none.
    """
    receipt = lock_receipt(receipt_id, session=session)
    if receipt.state in FINAL_STATES or flow_run_id not in {None, receipt.flow_run_id}:
        return receipt.held and receipt.state not in FINAL_STATES
    if not receipt.held:
        requeue(receipt, reason, session=session, held=True)
    return True


def reopen(receipt_id: UUID, reason: str, *, session: Session) -> WaitingReceipt:
    """Let a receipt be read again from the start: it waits, unheld, its crashes reset.

    What it became before stays visible until the new reading ends. A receipt that waits already only gets a new
    idempotency key, so that a flow run that is submitted for it is a new one.

    Raises:
        ReceiptNotFoundError: There is none.
        WrongStateError: A process works on it.
    """
    receipt = lock_receipt(receipt_id, session=session)
    if receipt.state is State.RUNNING:
        raise WrongStateError(receipt_id, receipt.state, "wait for its end or cancel its flow run first")
    requeue(receipt, reason, session=session, **CRASHES_RESET)
    session.refresh(receipt)
    return as_waiting(receipt)


def delete_receipt(receipt_id: UUID, reason: str, *, session: Session, owner: str | None = None) -> Deletion:
    """Delete a receipt with all that was made of it; a line of audit without content stays.

    A duplicate goes alone. With the receipt that owns a content go its duplicates, and those whose object was gone:
    they are the same picture, and what the owner deleted must not come back from a copy.

    Args:
        receipt_id: Which receipt.
        reason: For the audit, without anything of the content.
        session: The transaction. Remove what is returned before it commits: an object that was left in its bucket
            would be received anew.
        owner: Only if it is theirs.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
        WrongStateError: A process works on one of them: it would write results back behind the deletion.
    """
    _lock_hash_of(receipt_id, session=session)
    content, receipt = lock_content_of(receipt_id, session=session)
    if owner not in {None, receipt.owner}:
        raise ReceiptNotFoundError(receipt_id)
    if content is None:
        return _remove([receipt], reason, session=session)
    shared = select(Receipt).where(Receipt.content_id == content.id).order_by(col(Receipt.id))
    receipts = list(session.exec(shared.with_for_update(key_share=True)))
    is_last = content.canonical_receipt_id is None and len(receipts) == 1
    if content.canonical_receipt_id != receipt.id and not is_last:
        successor = content.canonical_receipt_id or next(one.id for one in receipts if one.id != receipt.id)
        reassign(content.id, successor, session=session)
        return _remove([receipt], reason, session=session)
    forget_content(content, session=session)
    gone = session.execute(
        delete(Expense).where(col(Expense.content_id) == content.id).returning(col(Expense.public_id))
    )
    forget_booked_values(gone.scalars().all(), session=session)
    deletion = _remove(receipts, reason, session=session)
    session.execute(delete(ExtractionRow).where(col(ExtractionRow.content_id) == content.id))
    session.execute(delete(Content).where(col(Content.id) == content.id))
    others = session.exec(select(func.count()).where(Content.sha256 == content.sha256)).one()
    return deletion if others else replace(deletion, results_sha256=content.sha256)


def _lock_hash_of(receipt_id: UUID, *, session: Session) -> None:
    query = select(Content.sha256).join(Receipt, col(Receipt.content_id) == col(Content.id))
    sha256 = session.exec(query.where(Receipt.id == receipt_id)).one_or_none()
    if sha256 is not None:
        lock_hash(sha256, session=session)


def _remove(receipts: list[Receipt], reason: str, *, session: Session) -> Deletion:
    """Remove locked receipts; of their audit stays what happened when, without the reasons, which tell the content."""
    for receipt in receipts:
        if receipt.state is State.RUNNING:
            raise WrongStateError(receipt.id, receipt.state, "wait for its end, then delete it")
    views = tuple(as_value(ReceiptView, receipt) for receipt in receipts)
    ids = [receipt.id for receipt in views]
    own = col(StateChange.receipt_id).in_(ids)
    noted = session.exec(select(StateChange.flow_run_id).where(own).distinct()).all()
    runs = {*noted, *(receipt.flow_run_id for receipt in views)}
    session.execute(update(StateChange).where(own).values(reason=None))
    audit = [
        {
            "receipt_id": receipt.id,
            "from_state": receipt.state,
            "to_state": None,
            "flow_run_id": receipt.flow_run_id,
            "attempt": receipt.attempt,
            "reason": reason,
        }
        for receipt in views
    ]
    session.execute(insert(StateChange), audit)
    session.execute(delete(Receipt).where(col(Receipt.id).in_(ids)))
    return Deletion(views, results_sha256=None, flow_run_ids=tuple(run for run in runs if run is not None))


def detach_run(receipt_id: UUID, reason: str, *, session: Session, flow_run_id: UUID | None = None) -> bool:
    """Let an unfinished receipt wait for a new flow run, its own being lost. Its attempt, if one lives, is fenced.

    Args:
        receipt_id: Which receipt.
        reason: What became of the run.
        session: The transaction.
        flow_run_id: The run that was lost: nothing happens if the receipt has gone on to another one.

    Returns:
        Whether it waits now because of this call; False if it is final already, is held or went on.

    Raises:
        ReceiptNotFoundError: There is none.
    """
    receipt = lock_receipt(receipt_id, session=session)
    went_on = flow_run_id not in {None, receipt.flow_run_id}
    if receipt.state in FINAL_STATES or receipt.held or went_on:
        return False
    requeue(receipt, reason, session=session)
    return True
