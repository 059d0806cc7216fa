"""What several pages show of receipts, read in one transaction; and how pages reach the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from sqlmodel import Session

from deployments.gateway.context import GatewayContext
from flows.ledger.expenses import expenses_of_contents
from flows.ledger.schema import FINAL_STATES, State
from flows.ledger.views import ExpenseView, ReceiptView

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShownReceipt:
    """A receipt as a line of a list, with the expense that was made of it."""

    receipt: ReceiptView
    expense: ExpenseView | None

    @property
    def is_under_way(self) -> bool:
        """Whether its state will change by itself."""
        return self.receipt.state not in FINAL_STATES

    @property
    def may_be_retried(self) -> bool:
        """Whether reading it again could help."""
        return self.receipt.state is State.QUARANTINED


async def with_ledger(context: GatewayContext, work: Callable[[Session], T]) -> T:
    """What `work` makes of one transaction, in a thread."""

    def run() -> T:
        with context.ledger.session() as session:
            return work(session)

    return await asyncio.to_thread(run)


def with_expenses(receipts: Collection[ReceiptView], *, session: Session) -> list[ShownReceipt]:
    """Receipts with their expenses, in the same order."""
    contents = {receipt.content_id for receipt in receipts if receipt.content_id}
    expenses = expenses_of_contents(contents, session=session)
    return [ShownReceipt(one, expenses.get(one.content_id) if one.content_id else None) for one in receipts]
