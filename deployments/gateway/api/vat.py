"""The route of the report on value added tax."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from deployments.gateway.api.schemas import Answer
from deployments.gateway.context import Context
from deployments.gateway.http.auth import Reader
from deployments.gateway.http.problems import RESPONSES
from flows.ledger.exports import Grouping, Period, vat_rows, without_tax

router = APIRouter(tags=["exports"], responses=RESPONSES)
# An answer of more would be no list to look through.
_MOST_WITHOUT = 10_000


class VatRequest(BaseModel):
    """Which days of purchase; both are inclusive."""

    model_config = ConfigDict(extra="forbid")

    date_from: dt.date = Field(examples=["2026-01-01"])
    date_to: dt.date = Field(examples=["2026-12-31"])
    by: Grouping = "quarter"


class Vat(Answer):
    """All tax of one period, currency and rate. `net` and `gross` are null where a receipt tells neither."""

    period: str = Field(examples=["2026-Q1"])
    currency: str | None
    rate: Decimal | None = Field(description="Per cent; null where receipts name none.")
    receipts: int
    net: Decimal | None
    tax: Decimal
    gross: Decimal | None


class NotInVat(Answer):
    """An expense that the report does not hold, or not wholly."""

    public_id: str
    purchase_date: dt.date | None
    merchant: str | None
    total: Decimal
    currency: str | None
    reason: str = Field(examples=["no_tax", "no_date", "net_unknown", "does_not_add_up"])
    difference: Decimal | None = Field(description="Net and tax less the total, where they do not add up.")


class VatReport(Answer):
    """The sums, and the expenses to look at."""

    rows: list[Vat]
    without: list[NotInVat] = Field(description="The first ten thousand.")


@router.get("/vat", summary="Value added tax")
async def get_vat(caller: Reader, context: Context, wanted: Annotated[VatRequest, Query()]) -> VatReport:
    """By period, rate and currency, from the tax rows of receipts."""
    Period(wanted.date_from, wanted.date_to)

    def read() -> VatReport:
        days = (wanted.date_from, wanted.date_to)
        with context.ledger.session() as session:
            rows = vat_rows(caller.owner, *days, grouping=wanted.by, session=session)
            without = without_tax(caller.owner, *days, session=session, limit=_MOST_WITHOUT)
            return VatReport(
                rows=[Vat.model_validate(row) for row in rows],
                without=[NotInVat.model_validate(one) for one in without],
            )

    return await asyncio.to_thread(read)
