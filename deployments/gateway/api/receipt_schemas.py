"""One receipt in full, as the API answers it: its state, steps and history, what was read, what is booked."""

from __future__ import annotations

from pydantic import Field

from deployments.gateway.api.decision_schemas import Reading
from deployments.gateway.api.schemas import Expense, ExpenseDetail, LineItem, Receipt, StateChange, Step, TaxRow
from flows.ledger.views import ExpenseView, ReceiptDetail


class ReceiptInFull(Receipt):
    """Everything about one receipt."""

    attempts: int
    history: list[StateChange]
    steps: list[Step] | None = Field(description="From Prefect; null while Prefect does not answer.")
    expense: ExpenseDetail | None
    reading: Reading = Field(description="What was read, in whatever state it is: fields, boxes, candidates, checks.")

    @classmethod
    def in_full(cls, detail: ReceiptDetail, steps: list[Step] | None, reading: Reading) -> ReceiptInFull:
        """The answer for one receipt."""
        answer: ReceiptInFull = cls.of(
            detail,
            attempts=detail.attempt,
            history=[StateChange.model_validate(change) for change in detail.history],
            steps=steps,
            reading=reading,
            expense=_expense_of(detail.expense, detail) if detail.expense else None,
        )
        return answer


def _expense_of(expense: ExpenseView, detail: ReceiptDetail) -> ExpenseDetail:
    plain = Expense.model_validate(expense).model_dump(exclude={"id"})
    return ExpenseDetail(
        public_id=expense.public_id,
        **plain,
        line_items=[LineItem.model_validate(line) for line in detail.line_items],
        taxes=[TaxRow.model_validate(tax) for tax in detail.taxes],
    )
