"""Expenses: found by filter and word, summed, corrected, voided and restored; many at once for what is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.expenses import forms
from deployments.gateway.web.receipts.picture import read_pictures
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import ChangingReviewer, Fields, Viewer, Visitor
from flows.domain.errors import ReceiptflowError, TransientError
from flows.flow_runs.reviewing import reviewed
from flows.ledger.access import saved_filters
from flows.ledger.categories import list_categories
from flows.ledger.decisions import (
    Decided,
    ExpenseNotFoundError,
    ReviewItem,
    correct,
    history,
    restore,
    review_item,
    void,
)
from flows.ledger.expenses import SumsBy, find_expenses, sum_expenses, usual_values
from flows.ledger.receipts import resolve
from flows.ledger.views import ExpenseView

router = APIRouter(include_in_schema=False)
_PAGE = 100
_MOST_AT_ONCE = 200
_MOST_NAMES = 30  # offered to browsers without scripts
_VOIDED = "voided on the page"


@router.get("/expenses")
async def get_expenses(request: Request, visitor: Viewer, context: Context) -> Response:
    """The last posted first, with the sums of all that fit."""
    wanted, said = forms.filter_of(request.query_params)
    after = request.query_params.get("after", "")[:300] or None

    def read(session: Session) -> dict[str, Any]:
        mine = wanted.wanted(visitor.owner)
        return {
            "page": find_expenses(mine, limit=_PAGE, after=after, session=session),
            "sums": sum_expenses(SumsBy.CURRENCY, mine, session=session) if said and after is None else [],
            "categories": list_categories(visitor.owner, session=session),
            "filters": saved_filters(visitor.person.id, session=session),
        }

    found = await with_ledger(context, read)
    return render(request, "expenses/list.html", query=said, filtered=urlencode(said), after=after, **found)


@router.get("/expenses/{public_id}")
async def get_expense(request: Request, public_id: str, visitor: Viewer, context: Context) -> Response:
    """One expense, to correct."""

    def read(session: Session) -> dict[str, Any]:
        item, expense = _find(public_id, visitor, session)
        lines = history(item.receipt.id, session=session, owner=visitor.owner)
        categories = list_categories(visitor.owner, session=session)
        names = usual_values(visitor.owner, session=session).merchants[:_MOST_NAMES]
        return {"item": item, "expense": expense, "history": lines, "categories": categories, "names": names}

    found = await with_ledger(context, read)
    pictures = await asyncio.to_thread(read_pictures, context.results, found["item"].words_key)
    values = forms.shown(found["expense"])
    return render(
        request,
        "expenses/one.html",
        pictures=pictures,
        values=values,
        line_columns=forms.LINE_COLUMNS,
        tax_columns=forms.TAX_COLUMNS,
        **found,
    )


def _find(public_id: str, visitor: Visitor, session: Session) -> tuple[ReviewItem, ExpenseView]:
    item = review_item(resolve(public_id, session=session, owner=visitor.owner), session=session, owner=visitor.owner)
    expense = next((one for one in item.expenses if one.public_id == public_id), None)
    if expense is None:
        raise ExpenseNotFoundError(public_id)
    return item, expense


@router.post("/expenses/bulk")
async def bulk(
    visitor: ChangingReviewer,
    context: Context,
    fields: Fields,
    chosen: Annotated[list[str], Form(alias="expense", max_length=_MOST_AT_ONCE)] = [],  # noqa: B006  # never written
) -> Response:
    """The same change of many, each by itself: one that is refused keeps none of the others."""
    what, category = fields.get("change", ""), fields.get("category", "").strip() or None

    def write(public_id: str, session: Session) -> Decided:
        if what == "void":
            reason = fields.get("reason") or _VOIDED
            return void(public_id, reason, visitor.actor, owner=visitor.owner, session=session)
        if what == "category":
            return correct(public_id, {"category": category}, visitor.actor, owner=visitor.owner, session=session)
        raise RefusedError(422, "change: choose what to do with the chosen expenses")

    refused: list[str] = []
    for public_id in chosen:
        try:
            await _reviewed(context, visitor, partial(write, public_id))
        except TransientError:
            raise
        except ReceiptflowError as error:
            refused.append(str(error))
    words = f"{len(chosen) - len(refused)} of {len(chosen)} done."
    return go_to("/expenses", f"{words} Not done: {'; '.join(refused[:3])}" if refused else words)


@router.post("/expenses/{public_id}")
async def change(public_id: str, visitor: ChangingReviewer, context: Context, fields: Fields) -> Response:
    """Correct the fields whose text was changed."""

    def read(session: Session) -> dict[str, object]:
        item, expense = _find(public_id, visitor, session)
        lines, taxes = (item.line_items, item.taxes) if expense.part == 0 else ((), ())
        return forms.changed(forms.shown(expense), lines, taxes, fields)

    new = await with_ledger(context, read)
    if not new:
        return go_to(f"/expenses/{public_id}", "Nothing was changed.")
    reason = fields.get("reason", "").strip() or None

    def write(session: Session) -> Decided:
        return correct(
            public_id,
            new,
            visitor.actor,
            seen=_seen(fields),
            reason=reason,
            owner=visitor.owner,
            session=session,
        )

    await _reviewed(context, visitor, write)
    return go_to(f"/expenses/{public_id}", "Corrected. No later reading changes it.")


@router.post("/expenses/{public_id}/void")
async def take_back(public_id: str, visitor: ChangingReviewer, context: Context, fields: Fields) -> Response:
    """Let it count no more; its values stay."""
    reason = fields.get("reason", "").strip() or _VOIDED

    def write(session: Session) -> Decided:
        return void(public_id, reason, visitor.actor, seen=_seen(fields), owner=visitor.owner, session=session)

    await _reviewed(context, visitor, write)
    return go_to(f"/expenses/{public_id}", "Voided: it counts no more.")


@router.post("/expenses/{public_id}/restore")
async def let_count(public_id: str, visitor: ChangingReviewer, context: Context, fields: Fields) -> Response:
    """Let it count again."""

    def write(session: Session) -> Decided:
        return restore(public_id, visitor.actor, seen=_seen(fields), owner=visitor.owner, session=session)

    await _reviewed(context, visitor, write)
    return go_to(f"/expenses/{public_id}", "It counts again.")


async def _reviewed(context: GatewayContext, visitor: Visitor, work: Callable[[Session], Decided]) -> Decided:
    """Change in a transaction of its own, then say so to Prefect."""
    return await asyncio.to_thread(reviewed, context.ledger, visitor.actor, work)


def _seen(fields: dict[str, str]) -> int | None:
    text = fields.get("seen", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None
