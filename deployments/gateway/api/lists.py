"""Routes of lists: an owner's receipts and expenses, filtered, in keyset pages of stable order."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from deployments.gateway.api.schemas import Expense, ExpensePage, Receipt, ReceiptPage
from deployments.gateway.context import Context
from deployments.gateway.http.auth import Reader
from deployments.gateway.http.problems import RESPONSES
from flows.ledger.expenses import find_expenses
from flows.ledger.receipts import list_receipts
from flows.ledger.schema import State
from flows.ledger.views import ExpenseView, Page, ReceiptView

router = APIRouter(responses=RESPONSES)

_CURSOR = Field(default=None, max_length=300, description="`next` of the page before.")


class ReceiptFilter(BaseModel):
    """Which receipts."""

    model_config = ConfigDict(extra="forbid")

    state: list[State] = Field(default=[], description="Only in these states; may be repeated.")
    received_from: AwareDatetime | None = Field(default=None, examples=["2026-11-01T00:00:00Z"])
    received_to: AwareDatetime | None = Field(default=None, description="Received before then.")
    limit: int = Field(default=100, ge=1, le=500)
    after: str | None = _CURSOR


class ExpenseFilter(BaseModel):
    """Which expenses; bounds are inclusive."""

    model_config = ConfigDict(extra="forbid")

    date_from: dt.date | None = Field(default=None, description="First day of purchase.", examples=["2026-11-01"])
    date_to: dt.date | None = Field(default=None, description="Last day of purchase.")
    merchant: str | None = Field(default=None, max_length=200, description="Any part of the name, in any case.")
    total_from: Decimal | None = Field(default=None, allow_inf_nan=False, max_digits=18)
    total_to: Decimal | None = Field(default=None, allow_inf_nan=False, max_digits=18)
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$", examples=["EUR"])
    voided: bool = Field(default=False, description="Those that were taken back, in place of those that count.")
    limit: int = Field(default=100, ge=1, le=500)
    after: str | None = _CURSOR


@router.get("/receipts", tags=["receipts"], summary="List receipts")
async def get_receipts(caller: Reader, context: Context, wanted: Annotated[ReceiptFilter, Query()]) -> ReceiptPage:
    """Newest first."""

    def read() -> Page[ReceiptView]:
        with context.ledger.session() as session:
            return list_receipts(
                owner=caller.owner,
                states=wanted.state,
                received_from=wanted.received_from,
                received_to=wanted.received_to,
                limit=wanted.limit,
                after=wanted.after,
                session=session,
            )

    page = await asyncio.to_thread(read)
    return ReceiptPage(items=[Receipt.of(view) for view in page], next=page.next)


@router.get("/expenses", tags=["expenses"], summary="List expenses")
async def get_expenses(caller: Reader, context: Context, wanted: Annotated[ExpenseFilter, Query()]) -> ExpensePage:
    """The last posted first."""

    def read() -> Page[ExpenseView]:
        with context.ledger.session() as session:
            return find_expenses(
                owner=caller.owner,
                since=wanted.date_from,
                until=wanted.date_to,
                merchant=wanted.merchant,
                total_from=wanted.total_from,
                total_to=wanted.total_to,
                currency=wanted.currency,
                voided=wanted.voided,
                limit=wanted.limit,
                after=wanted.after,
                session=session,
            )

    page = await asyncio.to_thread(read)
    return ExpensePage(items=[Expense.model_validate(view) for view in page], next=page.next)
