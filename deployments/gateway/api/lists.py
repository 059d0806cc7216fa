"""Routes of lists: an owner's receipts and expenses, filtered, in keyset pages of stable order."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from deployments.gateway.api.schemas import Expense, ExpensePage, Receipt, ReceiptPage, SumOfExpenses, SumsAnswer
from deployments.gateway.context import Context
from deployments.gateway.http.auth import Reader
from deployments.gateway.http.problems import RESPONSES
from flows.ledger.expenses import Sum, SumsBy, Wanted, find_expenses, sum_expenses
from flows.ledger.owner_settings import settings_of
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
    text: str | None = Field(
        default=None,
        max_length=200,
        description="Words of which each begins a word that is printed on the receipt or stands in a field.",
        examples=["coffee zurich"],
    )
    category: str | None = Field(
        default=None, max_length=200, description="Of the expense or one of its lines; empty: those without one."
    )
    tag: str | None = Field(default=None, max_length=200)
    voided: bool = Field(default=False, description="Those that were taken back, in place of those that count.")

    def wanted(self, owner: str) -> Wanted:
        """The same for the ledger."""
        return Wanted(
            owner=owner,
            since=self.date_from,
            until=self.date_to,
            merchant=self.merchant,
            total_from=self.total_from,
            total_to=self.total_to,
            currency=self.currency,
            text=self.text,
            category=self.category,
            tag=self.tag,
            voided=self.voided,
        )


class ExpenseListFilter(ExpenseFilter):
    """Which expenses, and how many a page."""

    limit: int = Field(default=100, ge=1, le=500)
    after: str | None = _CURSOR


class SumsFilter(ExpenseFilter):
    """Which expenses, and what they are summed by."""

    by: SumsBy = Field(description="What they are summed by.", examples=["month"])
    limit: int = Field(default=1000, ge=1, le=10_000, description="At most so many sums.")


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
async def get_expenses(caller: Reader, context: Context, wanted: Annotated[ExpenseListFilter, Query()]) -> ExpensePage:
    """The last posted first."""

    def read() -> Page[ExpenseView]:
        with context.ledger.session() as session:
            chosen = wanted.wanted(caller.owner)
            return find_expenses(chosen, limit=wanted.limit, after=wanted.after, session=session)

    page = await asyncio.to_thread(read)
    return ExpensePage(items=[Expense.model_validate(view) for view in page], next=page.next)


@router.get("/expenses/sums", tags=["expenses"], summary="Sum expenses")
async def get_sums(caller: Reader, context: Context, wanted: Annotated[SumsFilter, Query()]) -> SumsAnswer:
    """Each currency by itself: months and years from the latest, the rest from the most frequent."""

    def read() -> list[Sum]:
        with context.ledger.session() as session:
            own = settings_of(caller.owner, session=session)
            return sum_expenses(
                wanted.by,
                wanted.wanted(caller.owner),
                year_starts=own.year_start,
                home_currency=own.home_currency,
                limit=wanted.limit,
                session=session,
            )

    found = await asyncio.to_thread(read)
    return SumsAnswer(by=wanted.by, items=[SumOfExpenses.model_validate(one) for one in found])
