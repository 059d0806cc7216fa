"""Routes of a person's word: the review queue, decisions on receipts, corrections of expenses, and their history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from deployments.gateway.api.decision_schemas import (
    CorrectionRequest,
    DecidedAnswer,
    DecisionOfOne,
    DecisionRequest,
    DecisionResult,
    DecisionResults,
    DecisionsRequest,
    QueuePage,
    VoidRequest,
)
from deployments.gateway.api.history_schemas import Checks, ChecksRequest, History, HistoryEntry, Words
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import Caller, Reader, Reviewer
from deployments.gateway.http.json_bodies import BoundedRoute
from deployments.gateway.http.problems import RESPONSES, RefusedError, status_of
from flows.domain.errors import ReceiptflowError
from flows.domain.fields import DocumentText
from flows.flow_runs.reviewing import reviewed
from flows.ledger.corrections import parse_values, row_field
from flows.ledger.decisions import (
    Decided,
    ReviewItem,
    correct,
    decide,
    history,
    restore,
    review_item,
    review_queue,
    void,
)
from flows.ledger.schema import Via
from flows.ledger.values import Actor
from flows.pipeline.joining import read_together
from flows.reading.parser import check_values

T = TypeVar("T")
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {**RESPONSES[404], "description": "It was changed meanwhile, or is in a state from which this cannot be done."}
}
router = APIRouter(tags=["review"], responses=RESPONSES | _CONFLICT, route_class=BoundedRoute)


class QueueFilter(BaseModel):
    """Which page of the queue."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=500)
    after: str | None = Field(default=None, max_length=300, description="`next` of the page before.")


@router.get("/review", summary="What waits for a person")
async def get_queue(caller: Reader, context: Context, wanted: Annotated[QueueFilter, Query()]) -> QueuePage:
    """Receipts in review, the one received first at the front."""
    page = await _in_session(
        context,
        lambda session: review_queue(owner=caller.owner, limit=wanted.limit, after=wanted.after, session=session),
    )
    return QueuePage.of(page.items, page.next)


@router.post("/receipts/{receipt_id}/decision", summary="Decide on a receipt")
async def post_decision(receipt_id: UUID, wanted: DecisionRequest, caller: Reviewer, context: Context) -> DecidedAnswer:
    """Book it, dismiss it, split it, join its pages, or take the last decision back. The same decision twice is one."""
    decided = await asyncio.to_thread(_decide, context, caller, receipt_id, wanted)
    return DecidedAnswer.of(decided)


@router.post("/review/decisions", summary="Decide on many receipts")
async def post_decisions(wanted: DecisionsRequest, caller: Reviewer, context: Context) -> DecisionResults:
    """Each by itself: what cannot be decided is told with its status, and holds up nothing."""
    results = [await asyncio.to_thread(_decide_one, context, caller, one) for one in wanted.decisions]
    return DecisionResults(results=results)


def _decide_one(context: GatewayContext, caller: Caller, wanted: DecisionOfOne) -> DecisionResult:
    try:
        decided = _decide(context, caller, wanted.receipt_id, wanted.decision)
    except ReceiptflowError as error:
        status = status_of(error)
        detail = str(error) if status < HTTPStatus.INTERNAL_SERVER_ERROR else "The ledger does not answer; repeat it."
        return DecisionResult(receipt_id=wanted.receipt_id, status=status, detail=detail, decided=None)
    return DecisionResult(receipt_id=wanted.receipt_id, status=200, detail=None, decided=DecidedAnswer.of(decided))


def _decide(context: GatewayContext, caller: Caller, receipt_id: UUID, wanted: DecisionRequest) -> Decided:
    def work(session: Session) -> Decided:
        decision = read_together(receipt_id, wanted.wanted(), context.results, owner=caller.owner, session=session)
        return decide(receipt_id, decision, _actor(caller), seen=wanted.seen, owner=caller.owner, session=session)

    return _decided(context, caller, work)


@router.patch("/expenses/{expense_id}", summary="Correct an expense")
async def patch_expense(
    expense_id: str, wanted: CorrectionRequest, caller: Reviewer, context: Context
) -> DecidedAnswer:
    """Set fields to what a person says; no later reading changes them. `take_back` ends a correction."""
    decided = await asyncio.to_thread(
        _decided,
        context,
        caller,
        lambda session: correct(
            expense_id,
            wanted.corrections,
            _actor(caller),
            take_back=wanted.take_back,
            reason=wanted.reason,
            seen=wanted.seen,
            owner=caller.owner,
            session=session,
        ),
    )
    return DecidedAnswer.of(decided)


@router.post("/expenses/{expense_id}/void", summary="Take an expense back")
async def void_expense(expense_id: str, wanted: VoidRequest, caller: Reviewer, context: Context) -> DecidedAnswer:
    """It keeps its values and counts no more."""
    decided = await asyncio.to_thread(
        _decided,
        context,
        caller,
        lambda session: void(
            expense_id, wanted.reason, _actor(caller), seen=wanted.seen, owner=caller.owner, session=session
        ),
    )
    return DecidedAnswer.of(decided)


@router.post("/expenses/{expense_id}/restore", summary="Let an expense count again")
async def restore_expense(expense_id: str, caller: Reviewer, context: Context) -> DecidedAnswer:
    """One that a person took back."""
    decided = await asyncio.to_thread(
        _decided,
        context,
        caller,
        lambda session: restore(expense_id, _actor(caller), owner=caller.owner, session=session),
    )
    return DecidedAnswer.of(decided)


@router.get("/receipts/{receipt_id}/history", summary="What happened to a receipt")
async def get_history(receipt_id: UUID, caller: Reader, context: Context) -> History:
    """Its states, what people decided, and which fields they set to what; oldest first."""
    lines = await _in_session(context, lambda session: history(receipt_id, owner=caller.owner, session=session))
    return History(items=[HistoryEntry.model_validate(line) for line in lines])


@router.get("/receipts/{receipt_id}/words", summary="The words of a picture")
async def get_words(receipt_id: UUID, caller: Reader, context: Context) -> Words:
    """Every word with its box and confidence, by page, as it was read last."""
    item = await _item(context, caller, receipt_id)
    text = await asyncio.to_thread(_text_of, context, item)
    return Words(engine=text.engine, engine_version=text.engine_version, pages=list(text.pages))


@router.post("/receipts/{receipt_id}/checks", summary="Check values before they are given")
async def post_checks(receipt_id: UUID, wanted: ChecksRequest, caller: Reader, context: Context) -> Checks:
    """The receipt's arithmetic over changed values; nothing is kept."""
    changes = {_counted_from_0(field): value for field, value in parse_values(wanted.changes).items()}
    item = await _item(context, caller, receipt_id)
    return Checks(checks=list(check_values(item.read, changes)) if item.read else [])


def _counted_from_0(field: str) -> str:
    """A row's field as the checks name it."""
    row = row_field(field)
    return f"{row.table}/{row.position - 1}/{row.name}" if row else field


async def _item(context: GatewayContext, caller: Caller, receipt_id: UUID) -> ReviewItem:
    return await _in_session(context, lambda session: review_item(receipt_id, owner=caller.owner, session=session))


def _text_of(context: GatewayContext, item: ReviewItem) -> DocumentText:
    words = context.results.get(item.words_key) if item.words_key else None
    if words is None:
        raise RefusedError(404, "This receipt has not been read (yet), or its words are gone; retry it to have them.")
    try:
        return DocumentText.model_validate_json(words)
    except ValidationError as error:
        raise RefusedError(404, "The reading is of an older version; retry the receipt to have it again.") from error


def _decided(context: GatewayContext, caller: Caller, work: Callable[[Session], Decided]) -> Decided:
    """Decide in a transaction of its own, then say so to Prefect."""
    return reviewed(context.ledger, _actor(caller), work)


def _actor(caller: Caller) -> Actor:
    return Actor(caller.name, Via.API)


async def _in_session(context: GatewayContext, work: Callable[[Session], T]) -> T:
    def run() -> T:
        with context.ledger.session() as session:
            return work(session)

    return await asyncio.to_thread(run)
