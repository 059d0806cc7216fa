"""A person's decision as every way in makes it: one transaction in the ledger, then Prefect's event."""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session

from flows.flow_runs.events import emit_reviewed
from flows.ledger.database import Ledger
from flows.ledger.decisions import Decided
from flows.ledger.receipts import get_receipt
from flows.ledger.values import Actor


def reviewed(ledger: Ledger, actor: Actor, work: Callable[[Session], Decided]) -> Decided:
    """Do a decision's work and emit `receiptflow.receipt.reviewed` once it is committed and changed something.

    Args:
        ledger: The ledger.
        actor: Who decides.
        work: Calls `decide`, `correct`, `void` or `restore` in the session that it is given; their errors pass.
    """
    with ledger.session() as session:
        decided = work(session)
        receipt = get_receipt(decided.receipt_id, session=session)
    if decided.changed:
        emit_reviewed(receipt, by=actor.name)
    return decided
