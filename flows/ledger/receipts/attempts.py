"""Attempts: who works on a receipt, whether it still lives, and how often the work killed its process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from flows.ledger.locking import as_value, is_in, lock_attempt, lock_receipt, write, write_state
from flows.ledger.schema import FINAL_STATES, WEBHOOK_PREFIX, DeliveryState, Notification, Receipt, State
from flows.ledger.values import AlreadyFinal, Attempt, Busy, ProcessIdentity, ProcessLease
from flows.ledger.views import ReceiptView, RunningReceipt

_SILENCE = func.extract("epoch", func.clock_timestamp() - col(Receipt.heartbeat_at))
_SERVER_UP = func.extract("epoch", func.clock_timestamp() - func.pg_postmaster_start_time())

CRASHES_RESET: dict[str, Any] = {"crashes": 0, "crash_reason": None, "steps_done": []}
# The content stays named: who deletes it deletes its copies, also one that is being read again.
_UNCLAIMED: dict[str, Any] = {"duplicate_of": None, "sha256": None}

_HEARTBEAT = text(
    """
    UPDATE receipts SET heartbeat_at = clock_timestamp()
    FROM unnest(CAST(:ids AS uuid[]), CAST(:flow_run_ids AS uuid[]), CAST(:numbers AS bigint[]))
        AS mine (id, flow_run_id, number)
    WHERE receipts.id = mine.id AND receipts.flow_run_id = mine.flow_run_id AND receipts.attempt = mine.number
        AND state = 'running'
    RETURNING receipts.id
    """
)


def begin_attempt(
    receipt_id: UUID,
    flow_run_id: UUID,
    process: ProcessIdentity,
    *,
    process_is_gone: Callable[[ProcessLease], bool],
    session: Session,
    force: bool = False,
    retried: bool = False,
) -> Attempt | AlreadyFinal | Busy:
    """Begin an attempt: from here on only the attempt that is returned may write for the receipt.

    The same flow run always gets a new attempt: whoever resumes it has seen its process end, and if that was
    wrong, the fence holds. Another flow run gets one only if the process that has it is gone.

    Args:
        receipt_id: Which receipt.
        flow_run_id: The flow run that works on it.
        process: This process.
        process_is_gone: Asked under the row's lock about another flow run's process; must answer at once.
        session: The transaction.
        force: Read again although done. A forced flow run that is resumed after it was done is not forced again.
        retried: A person retried the flow run after it had failed: what it quarantined is read again, once its owner
            was notified.

    Raises:
        ReceiptNotFoundError: There is none.
    """
    receipt = lock_receipt(receipt_id, session=session)
    mine = receipt.flow_run_id == flow_run_id
    if receipt.state in FINAL_STATES and (mine or not force):
        unsent = _unsent(receipt_id, session=session)
        if not (retried and mine and receipt.state is State.QUARANTINED and not unsent):
            return AlreadyFinal(receipt_id, receipt.state, receipt.reason, unsent)
    if receipt.state is State.RUNNING and not mine and receipt.flow_run_id and receipt.process:
        silent, up = session.exec(select(_SILENCE, _SERVER_UP).where(Receipt.id == receipt_id)).one()
        lease = ProcessLease(ProcessIdentity(**receipt.process), float(silent), float(up))
        if not process_is_gone(lease):
            return Busy(receipt_id, receipt.flow_run_id, receipt.attempt)
    return _take(receipt, flow_run_id, process, session=session, afresh=receipt.state in FINAL_STATES)


def heartbeat(attempts: Sequence[Attempt], *, session: Session) -> frozenset[UUID]:
    """Say that the attempts' process lives.

    Returns:
        The receipts that are still theirs. Another one is finished, or was given to somebody else.
    """
    names = {
        "ids": [attempt.receipt_id for attempt in attempts],
        "flow_run_ids": [attempt.flow_run_id for attempt in attempts],
        "numbers": [attempt.number for attempt in attempts],
    }
    return frozenset(session.scalars(_HEARTBEAT, names))


def note_progress(attempt: Attempt, step: str, *, session: Session) -> None:
    """Note that a step's result is durable; the first time, the count of crashes is reset.

    A resumed run notes its finished steps again, which resets nothing: the crashes belong to the step after them.

    Args:
        attempt: Who did it.
        step: The step with its version.
        session: The transaction.

    Raises:
        FencedError: The attempt was given up.
    """
    receipt = lock_attempt(attempt, session=session)
    if step not in receipt.steps_done:
        write(receipt, session=session, steps_done=[*receipt.steps_done, step], crashes=0, crash_reason=None)


def note_crash(
    receipt_id: UUID, attempt: int, reason: str, *, counts: bool, session: Session, pid: int | None = None
) -> int:
    """Note that an attempt's process ended without an outcome. Any number of reports of one attempt count once.

    Args:
        receipt_id: Which receipt.
        attempt: The number of the attempt that ended.
        reason: What is known, for people.
        counts: Whether the receipt can be the cause. A machine that went down whole is no sign of poison.
        session: The transaction.
        pid: The process that ended, where that is known: an attempt that another process makes is not to blame.

    Returns:
        Crashes that count, since the last step that got done.

    Raises:
        ReceiptNotFoundError: There is none.
    """
    receipt = lock_receipt(receipt_id, session=session)
    if receipt.state is not State.RUNNING or receipt.attempt != attempt or receipt.crashed_attempt >= attempt:
        return receipt.crashes
    if pid and receipt.process and receipt.process["pid"] != pid:
        return receipt.crashes
    crashes = receipt.crashes + int(counts)
    write(receipt, session=session, crashes=crashes, crash_reason=reason, crashed_attempt=attempt, process=None)
    return crashes


def release(attempt: Attempt, reason: str, *, session: Session, held: bool = False) -> None:
    """Give the receipt back: it waits for a new flow run, or with `held` for a person.

    Raises:
        FencedError: The attempt does not hold it any more.
    """
    receipt = lock_attempt(attempt, session=session)
    requeue(receipt, reason, session=session, held=held)


def requeue(receipt: Receipt, reason: str, *, session: Session, held: bool = False, **columns: Any) -> None:
    """Bring a locked receipt to `waiting` for a new flow run: `reopened` is part of its idempotency key.

    A duplicate has to claim its content again, unless `columns` say otherwise.
    """
    unclaimed = _UNCLAIMED if receipt.state is State.DUPLICATE else {}
    write_state(
        receipt,
        State.WAITING,
        reason=reason,
        session=session,
        held=held,
        process=None,
        flow_run_id=None,
        submitted_at=None,
        idempotency_key=None,
        reopened=receipt.reopened + 1,
        **(unclaimed | columns),
    )


def find_running(*, session: Session, limit: int = 1000, after: UUID | None = None) -> list[RunningReceipt]:
    """Receipts in `running` with who holds them, ordered by id, from behind `after`."""
    query = select(Receipt, _SILENCE, _SERVER_UP).where(is_in(State.RUNNING, col(Receipt.state)))
    if after is not None:
        query = query.where(col(Receipt.id) > after)
    rows = session.exec(query.order_by(col(Receipt.id)).limit(limit)).all()
    return [RunningReceipt(as_value(ReceiptView, receipt), _lease(receipt, silent, up)) for receipt, silent, up in rows]


def _take(receipt: Receipt, flow_run_id: UUID, process: ProcessIdentity, *, session: Session, afresh: bool) -> Attempt:
    number = receipt.attempt + 1
    duplicate = receipt.state is State.DUPLICATE
    columns = (CRASHES_RESET if afresh else {}) | (_UNCLAIMED if duplicate else {})
    write_state(
        receipt,
        State.RUNNING,
        reason=None,
        session=session,
        attempt=number,
        flow_run_id=flow_run_id,
        process=asdict(process),
        heartbeat_at=func.clock_timestamp(),
        started_at=func.coalesce(col(Receipt.started_at), func.now()),
        held=False,
        **columns,
    )
    return Attempt(
        receipt_id=receipt.id,
        flow_run_id=flow_run_id,
        number=number,
        received_at=receipt.received_at,
        sha256=None if duplicate else receipt.sha256,
        crashes=0 if afresh else receipt.crashes,
        crash_reason=None if afresh else receipt.crash_reason,
    )


def _unsent(receipt_id: UUID, *, session: Session) -> int:
    pending = select(func.count()).where(
        Notification.receipt_id == receipt_id,
        Notification.state == DeliveryState.PENDING,
        ~col(Notification.channel).startswith(WEBHOOK_PREFIX),
    )
    return session.exec(pending).one()


def _lease(receipt: Receipt, silent: Any, up: Any) -> ProcessLease | None:
    return ProcessLease(ProcessIdentity(**receipt.process), float(silent), float(up)) if receipt.process else None
