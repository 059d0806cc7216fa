"""What the API answers: its own value models, so that the ledger can change without the API."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from deployments.gateway.services.intake import Accepted
from flows.ledger.expenses import SumsBy
from flows.ledger.schema import State
from flows.ledger.views import ReceiptView

_RECEIPT = "0d9f7c2e-52f0-4d0f-9d0a-2f7d8f1c1a11"
_EXPENSE = "rf-6c0c2a0e-3f1c-5d57-9a27-5d2f6f0b7c11"
_RUN = "7b0f5a3c-0b52-4f5e-8d2c-4c1f6a9e2b22"

STATE_WORDS = {
    State.WAITING: "It is stored and waits to be read.",
    State.RUNNING: "It is being read.",
    State.EXPENSED: "It was read and posted as an expense.",
    State.REVIEW: "It was read, but a person has to look at it.",
    State.DUPLICATE: "It has the same content as a receipt that came before.",
    State.QUARANTINED: "It could not be read.",
    State.DISMISSED: "A person said that it gives no expense.",
}


class Answer(BaseModel):
    """Base of the answers."""

    model_config = ConfigDict(from_attributes=True)


class AcceptedReceipt(Answer):
    """A file that is stored."""

    receipt_id: UUID = Field(examples=[_RECEIPT])
    flow_run_id: UUID | None = Field(
        examples=[_RUN], description="Null until it is submitted to Prefect; `Prefer: wait=2` waits for it."
    )
    state: State = Field(examples=["waiting"])
    status_url: str = Field(examples=[f"/receipts/{_RECEIPT}"])
    duplicate: bool = Field(default=False, description="The same content was there already; this is its receipt.")

    @classmethod
    def of(cls, accepted: Accepted) -> AcceptedReceipt:
        """The answer for one file."""
        return cls(
            receipt_id=accepted.receipt_id,
            flow_run_id=accepted.flow_run_id,
            state=accepted.state,
            status_url=f"/receipts/{accepted.receipt_id}",
            duplicate=accepted.duplicate,
        )


class AcceptedReceipts(Answer):
    """The files of a request with several, in their order."""

    receipts: list[AcceptedReceipt]


class StateChange(Answer):
    """One line of a receipt's history."""

    at: dt.datetime
    from_state: State | None
    to_state: State | None
    attempt: int
    flow_run_id: UUID | None
    reason: str | None


class Step(Answer):
    """One step of the flow run that works on a receipt, as Prefect has it."""

    name: str = Field(examples=["extract_text"])
    state: str = Field(examples=["Completed"])
    attempts: int = Field(examples=[1])
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    seconds: float = Field(examples=[1.7])


class LineItem(Answer):
    """One bought thing."""

    position: int
    description: str
    quantity: Decimal | None
    unit_price: Decimal | None
    discount: Decimal | None
    total: Decimal | None
    category: str | None


class TaxRow(Answer):
    """One row of the tax table; `rate` in percent."""

    position: int
    rate: Decimal | None
    net: Decimal | None
    amount: Decimal | None


class Expense(Answer):
    """What was posted. Amounts are strings, exact to the cent, in `currency`."""

    id: str = Field(
        validation_alias="public_id", examples=[_EXPENSE], description="Never changes, also when it is read again."
    )
    revision: int = Field(examples=[1], description="Grows with each change.")
    voided_at: dt.datetime | None = Field(description="Since when it counts no more; null while it counts.")
    void_reason: str | None
    receipt_id: UUID
    merchant: str | None = Field(examples=["Café Central"])
    purchase_date: dt.date | None = Field(examples=["2026-11-21"])
    # JSON Schema's own format "time" demands an offset, which a receipt does not print.
    purchase_time: Annotated[dt.time, WithJsonSchema({"type": "string", "examples": ["13:05:00"]})] | None
    total: Decimal = Field(examples=["12.40"])
    subtotal: Decimal | None
    tax: Decimal | None
    tip: Decimal | None
    rounding: Decimal | None
    currency: str | None = Field(examples=["EUR"])
    country: str | None
    receipt_number: str | None
    payment_method: str | None
    category: str | None = Field(examples=["Groceries"])
    tags: list[str] = Field(examples=[["trip to Vienna"]])
    home_currency: str | None = Field(
        examples=["EUR"],
        description="The owner's own currency, with the total in it; null where nothing was converted.",
    )
    home_total: Decimal | None
    rate: Decimal | None = Field(description="What one unit of `currency` is in the own currency.")
    rate_day: dt.date | None = Field(description="The day that the rate was published; null for an entered one.")
    rate_source: str | None = Field(examples=["ECB"])
    notes: str | None
    part: int = Field(description="From 0; a picture that a person has split gives several expenses.")
    created_at: dt.datetime
    updated_at: dt.datetime


class ExpenseDetail(Expense):
    """An expense with its lines."""

    line_items: list[LineItem] = []
    taxes: list[TaxRow] = []


class Receipt(Answer):
    """One receipt as a list shows it."""

    receipt_id: UUID = Field(examples=[_RECEIPT])
    state: State = Field(examples=["expensed"])
    in_words: str = Field(examples=["It was read and posted as an expense."])
    reason: str | None = Field(description="Why it is in review or quarantine.")
    key: str
    size_bytes: int
    sha256: str | None
    duplicate_of: UUID | None
    same_purchase_as: UUID | None = Field(description="In review: the receipt that seems to be the same purchase.")
    flow_run_id: UUID | None = Field(examples=[_RUN])
    received_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    status_url: str

    @classmethod
    def of(cls, view: ReceiptView, **more: Any) -> Any:
        """The answer for a receipt of the ledger."""
        return cls(
            receipt_id=view.id,
            in_words=STATE_WORDS[view.state],
            status_url=f"/receipts/{view.id}",
            **{name: getattr(view, name) for name in _COPIED},
            **more,
        )


_COPIED = (
    "state",
    "reason",
    "key",
    "size_bytes",
    "sha256",
    "duplicate_of",
    "same_purchase_as",
    "flow_run_id",
    "received_at",
    "started_at",
    "finished_at",
)


class ReceiptPage(Answer):
    """Some receipts, newest first."""

    items: list[Receipt]
    next: str | None = Field(description="Give it as `after` for the next page; null on the last one.")


class ExpensePage(Answer):
    """Some expenses, the last posted first."""

    items: list[Expense]
    next: str | None = Field(description="Give it as `after` for the next page; null on the last one.")


class SumOfExpenses(Answer):
    """The expenses of one month, year, merchant, category or currency."""

    key: str | None = Field(examples=["2026-11"], description="Null where the expenses have none.")
    count: int = Field(examples=[12])
    totals: dict[str, Decimal] = Field(
        examples=[{"EUR": "123.45"}], description='By currency; "?" stands for expenses without one.'
    )
    home_total: Decimal | None = Field(description="What was converted into the owner's own currency, in it.")
    unconverted: int = Field(description="Expenses that were not, for lack of a rate, a date or a currency.")


class SumsAnswer(Answer):
    """Sums of expenses."""

    by: SumsBy
    items: list[SumOfExpenses]
