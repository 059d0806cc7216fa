"""The first page: what waits for whoever looks, what failed and why, and a year's sums in one currency."""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.context import Context
from deployments.gateway.web.overview.charts import Bar, columns, rows
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import render
from deployments.gateway.web.visitor import Viewer
from flows.ledger.decisions import review_queue
from flows.ledger.expenses import NO_CURRENCY, Sum, SumsBy, Wanted, days_of, sum_expenses
from flows.ledger.owner_settings import settings_of
from flows.ledger.receipts import counts_up_to, list_receipts
from flows.ledger.schema import State

router = APIRouter(include_in_schema=False)
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_SHOWN = 8
_MOST_YEARS, _MOST_COUNTED = 30, 1000


@router.get("/")
async def get_overview(
    request: Request,
    visitor: Viewer,
    context: Context,
    year: Annotated[int | None, Query(ge=_FIRST_YEAR, le=_LAST_YEAR)] = None,
    currency: Annotated[str, Query(max_length=3)] = "",
) -> Response:
    """Everything at a glance."""
    found = await with_ledger(context, lambda session: _read(session, visitor.owner, year, currency.upper()))
    return render(request, "overview/page.html", **found)


def _read(session: Session, owner: str, year: int | None, currency: str) -> dict[str, Any]:
    days, starts = days_of(owner, session=session), settings_of(owner, session=session).year_start
    years = list(range(starts.year_of(days[1]), starts.year_of(days[0]) - 1, -1))[:_MOST_YEARS] if days else []
    shown = year or (years[0] if years else starts.year_of(dt.datetime.now(dt.UTC).date()))
    first, last = starts.days(shown)
    wanted = Wanted(owner=owner, since=first, until=last)
    months = sum_expenses(SumsBy.MONTH, wanted, session=session)
    currencies = _currencies(months)
    chosen = currency or next(iter(currencies), "")
    within = {"date_from": str(first), "date_to": str(last), "currency": chosen}
    return {
        "months": _months(months, (first, last), chosen),
        "by_category": _bars(sum_expenses(SumsBy.CATEGORY, wanted, session=session), "category", within),
        "by_merchant": _bars(sum_expenses(SumsBy.MERCHANT, wanted, session=session), "merchant", within),
        "total": sum((_amount(one, chosen) for one in months), Decimal(0)),
        "year": shown,
        "year_name": str(shown) if first.year == last.year else f"{shown}/{last:%y}",
        "within": within,
        "years": years,
        "currency": chosen,
        "currencies": currencies,
        "counts": counts_up_to(_MOST_COUNTED, owner, session=session),
        "queue": review_queue(owner=owner, limit=_SHOWN, session=session).items,
        "failed": list_receipts(owner=owner, states=[State.QUARANTINED], limit=_SHOWN, session=session).items,
    }


def _currencies(months: list[Sum]) -> list[str]:
    """The currencies of a year, the one of most months first."""
    used = Counter(currency for month in months for currency in month.totals)
    return [currency for currency, _ in used.most_common() if currency != NO_CURRENCY]


def _amount(one: Sum, currency: str) -> Decimal:
    return one.totals.get(currency, Decimal(0))


def _months(sums: list[Sum], days: tuple[dt.date, dt.date], currency: str) -> list[Bar]:
    """The calendar months of a year, the first and last cut where the year begins and ends."""
    by_month = {one.key: _amount(one, currency) for one in sums}
    bars, first = [], days[0]
    while first <= days[1]:
        last = min(first.replace(day=calendar.monthrange(first.year, first.month)[1]), days[1])
        query = {"date_from": str(first), "date_to": str(last), "currency": currency}
        bars.append((f"{first:%Y-%m}", by_month.get(f"{first:%Y-%m}", Decimal(0)), query))
        first = last + dt.timedelta(days=1)
    return columns(bars)


def _bars(sums: list[Sum], by: str, within: dict[str, str]) -> list[Bar]:
    """The largest, each with a link to its expenses; those without a name have none to link by."""
    currency = within["currency"]
    there = [one for one in sums if currency in one.totals]
    largest = sorted(there, key=lambda one: _amount(one, currency), reverse=True)[:_SHOWN]
    return rows([(one.key or "", _amount(one, currency), _link(one, by, within)) for one in largest])


def _link(one: Sum, by: str, within: dict[str, str]) -> dict[str, str]:
    if one.key:
        return {**within, by: one.key}
    return {**within, "no_category": "1"} if by == "category" else within
