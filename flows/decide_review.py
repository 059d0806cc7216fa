"""The flow `decide-review`: a person decides on one receipt by Prefect's form, as by page, API or command line.

Needs the block `receipt-pipeline/default`. The decision itself is the ledger's (`flows.ledger.decisions`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field
from sqlmodel import Session

from flows.domain.errors import ReceiptflowError, TransientError
from flows.flow_runs.reviewing import reviewed
from flows.ledger.corrections import written_parts
from flows.ledger.database import Ledger
from flows.ledger.decisions import Book, Decided, Decision, Dismiss, Join, Split, Undo, decide
from flows.ledger.receipts import get_receipt, resolve
from flows.ledger.schema import DismissReason, Via
from flows.ledger.values import Actor
from flows.ledger.views import ReceiptView
from flows.pipeline.configuration import Pipeline, load_pipeline
from flows.pipeline.joining import read_together
from flows.pipeline.retries import task_options
from flows.pipeline.run_outcome import receipt_tag

Wanted = Literal[
    "book", "dismiss as not a receipt", "dismiss as not mine", "dismiss as duplicate", "split", "join", "undo"
]
_DISMISSALS: dict[str, DismissReason] = {
    "dismiss as not a receipt": DismissReason.NOT_A_RECEIPT,
    "dismiss as not mine": DismissReason.NOT_MINE,
    "dismiss as duplicate": DismissReason.DUPLICATE_OF,
}


@task(**task_options("make_decision"))
async def make_decision(work: Callable[[], Decided]) -> Decided:
    """The decision, in one transaction; the same decision twice is one."""
    return await asyncio.to_thread(work)


@flow(
    name="decide-review",
    flow_run_name="{decision}: {receipt}",
    persist_result=False,
    validate_parameters=True,
)
async def decide_review(
    receipt: Annotated[str, Field(min_length=1)],
    *,
    decision: Wanted = "book",
    total: str = "",
    purchase_date: str = "",
    currency: str = "",
    merchant: str = "",
    keep_both: bool = False,
    duplicate_of: str = "",
    parts: str = "",
    pages: str = "",
    person: str = "",
) -> State[Any]:
    """Decide on one receipt that waits in review, or take the last decision on it back.

    Args:
        receipt: Which receipt: its id or the first 8 characters of it, its expense's id, the file's name, or its key.
        decision: What becomes of it. Book: it is an expense, with the values below in place of what was read. Split:
            several receipts are on its picture, each an expense. Join: it is booked with other receipts as its further
            pages. Undo: everything as it was before the last decision.
        total: What was paid, for example 19.46. Empty: as it was read.
        purchase_date: The day of purchase, for example 2026-11-20. Empty: as it was read.
        currency: Its code, for example EUR. Empty: as it was read.
        merchant: Where it was bought. Empty: as it was read.
        keep_both: Book it although it looks like a purchase that is booked already.
        duplicate_of: The receipt that it repeats, named like the first; for "dismiss as duplicate" only.
        parts: The values of each receipt on the picture, with | between them, for example total=7.50; merchant=Kiosk |
            total=5.00; for "split" only.
        pages: The receipts that are its further pages, named like the first, with spaces between them; for "join" only.
        person: Who decides, for the history. Empty: prefect.
    """
    pipeline = await load_pipeline()
    fields = {"total": total, "purchase_date": purchase_date, "currency": currency, "merchant": merchant}
    book = Book({name: value for name, value in fields.items() if value.strip()}, keep_both=keep_both)
    actor = Actor(person.strip() or "prefect", Via.PREFECT)
    try:
        known = await asyncio.to_thread(_find, pipeline.ledger, receipt)
        await _tag(known)
        details = {"join": pages, "split": parts}.get(decision, duplicate_of)
        wanted = await asyncio.to_thread(_wanted, pipeline.ledger, decision, book, details)
        decided = await make_decision(partial(_decide, pipeline, known, wanted, actor))
    except TransientError:
        raise
    except ReceiptflowError as refusal:
        return Failed(message=str(refusal))
    return Completed(message=_in_words(decided, known))


def _decide(pipeline: Pipeline, receipt: ReceiptView, wanted: Decision, actor: Actor) -> Decided:
    # To take back twice is another thing than once: a repeat whose first answer got lost is refused.
    seen = receipt.updated_at if isinstance(wanted, Undo) else None

    def work(session: Session) -> Decided:
        together = read_together(receipt.id, wanted, pipeline.results, session=session)
        return decide(receipt.id, together, actor, seen=seen, session=session)

    return reviewed(pipeline.ledger, actor, work)


def _find(ledger: Ledger, reference: str) -> ReceiptView:
    with ledger.session() as session:
        return get_receipt(resolve(reference.strip(), session=session), session=session)


async def _tag(receipt: ReceiptView) -> None:
    """So that the run goes when its receipt is deleted, and stays while its owner is on legal hold."""
    tags = {*flow_run.tags, receipt_tag(receipt.id), f"owner:{receipt.owner}"}
    async with get_client() as client:
        await client.update_flow_run(UUID(flow_run.id), tags=tags)


def _wanted(ledger: Ledger, decision: str, book: Book, details: str) -> Decision:
    if decision == "undo":
        return Undo()
    if decision == "split":
        return Split(written_parts(details), book.keep_both)
    if decision == "join":
        return Join([_find(ledger, page).id for page in details.split()], book.corrections, book.keep_both)
    if reason := _DISMISSALS.get(decision):
        return Dismiss(reason, _find(ledger, details).id if details.strip() else None)
    return book


def _in_words(decided: Decided, receipt: ReceiptView) -> str:
    expenses = [f"{one.merchant or receipt.key} · {one.total} {one.currency or ''}".strip() for one in decided.expenses]
    outcome = "; ".join([decided.state.value.capitalize(), *expenses])
    return outcome if decided.changed else f"Done before: {outcome}"
