"""Pages of one receipt that came as several pictures: one of the receipts has the expense, the others are its pages.

Each page is dismissed as such, with a decision of its own, so that a single one can be taken back; taking the joining
back brings all pages back that are still joined. Pictures and corrections stay with the receipt that they are of.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from flows.ledger.corrections import parse_values
from flows.ledger.decisions.booking import book_whole
from flows.ledger.decisions.case import Case, decided, how_it_stands, note_decision, open_case, set_aside, tell
from flows.ledger.decisions.changed_fields import changed_fields
from flows.ledger.decisions.errors import UnfitReceiptError
from flows.ledger.decisions.pages import joined_to
from flows.ledger.decisions.requests import MOST_PAGES, Decided, Decision, Join, Undo
from flows.ledger.decisions.undoing import last_decision, page_again_of, pages_in
from flows.ledger.errors import ReceiptNotFoundError, WrongStateError
from flows.ledger.locking import lock_content
from flows.ledger.schema import JOINED, Content, DecisionKind, Receipt, Settlement


def lock_with_pages(receipt_id: UUID, decision: Decision, *, session: Session) -> None:
    """Lock the contents of all receipts that a decision changes, in one order for everybody, before any of them.

    Two people who join the same receipts the other way round would wait for each other else.
    """
    pages: Sequence[UUID] = ()
    if isinstance(decision, Join):
        pages = decision.pages[: MOST_PAGES + 1]
    elif isinstance(decision, Undo):
        named = session.exec(select(Receipt.content_id).where(Receipt.id == receipt_id)).one_or_none()
        last = last_decision(named, session=session) if named else None
        pages = pages_in(last) + page_again_of(last) if last else ()
    if not pages:
        return
    query = select(Receipt.content_id).where(col(Receipt.id).in_([receipt_id, *pages]))
    for content_id in sorted({content for content in session.exec(query) if content is not None}):
        lock_content(content_id, session=session)


def join(case: Case, decision: Join) -> Decided:
    """Make receipts further pages of the case's, and book that one.

    Raises:
        UnfitReceiptError: A receipt that is named as a page cannot be one.
        WrongStateError: The receipt is itself a page of another one, or is split; or a page was never read.
        InvalidValuesError, SamePurchaseError: As for booking.
    """
    _refuse_case(case)
    values = parse_values(decision.corrections)
    pages = _pages(case, decision.pages)
    changes = {0: changed_fields(case, 0, values)}
    fresh = [page for page in pages if not _is_joined(page, case.receipt.id)]
    is_booked = case.content.settled is Settlement.BOOKED and case.counting() == set(changes)
    if not fresh and is_booked and not changes[0]:
        return decided(case, changed=False)
    previous = how_it_stands(case) | {"pages": [str(page.receipt.id) for page in fresh]}
    for page in fresh:
        _attach(page, case.receipt)
    named = ", ".join(page.receipt.key.rsplit("/", 1)[-1] for page in pages)
    reason = f"Further pages: {named}"
    return book_whole(
        case, DecisionKind.JOIN, changes, {}, keeps_both=decision.keep_both, previous=previous, reason=reason
    )


def _refuse_case(case: Case) -> None:
    if case.content.settled_code == JOINED:
        first = case.content.settled_as or "another one"
        raise WrongStateError(case.receipt.id, f"a page of receipt {first}", "undo that, or join with that receipt")
    if case.content.parts > 1:
        raise WrongStateError(case.receipt.id, "split into several expenses", "undo that first")


def _pages(case: Case, receipt_ids: Sequence[UUID]) -> list[Case]:
    if not 1 <= len(receipt_ids) <= MOST_PAGES:
        raise UnfitReceiptError("pages", f"name 1 to {MOST_PAGES} receipts that are further pages")
    if len(set(receipt_ids)) < len(receipt_ids):
        raise UnfitReceiptError("pages", "a receipt is named twice")
    return [_page(case, position, receipt_id) for position, receipt_id in enumerate(receipt_ids)]


def _page(case: Case, position: int, receipt_id: UUID) -> Case:
    where = f"pages/{position}"
    try:
        page = open_case(receipt_id, case.actor, session=case.session, owner=case.receipt.owner)
    except ReceiptNotFoundError as error:
        raise UnfitReceiptError(where, f"there is no receipt {receipt_id}") from error
    if page.content.id == case.content.id:
        raise UnfitReceiptError(where, "that is this receipt itself, or a copy of it")
    if page.content.settled_code == JOINED and page.content.settled_as not in {None, case.receipt.id}:
        first = page.content.settled_as
        raise UnfitReceiptError(where, f"receipt {receipt_id} is a page of receipt {first}; undo that first")
    if case.session.exec(select(Content.id).where(*joined_to(receipt_id)).limit(1)).first():
        raise UnfitReceiptError(where, f"receipt {receipt_id} has further pages itself; join those with this one")
    return page


def _attach(page: Case, first: Receipt) -> None:
    reason = f"It is a further page of receipt {first.id}."
    made = note_decision(page, DecisionKind.JOIN, how_it_stands(page), code=JOINED, reason=reason)
    set_aside(page, JOINED, reason, first.id)
    tell(page, made, DecisionKind.JOIN, code=JOINED)


def _is_joined(page: Case, receipt_id: UUID) -> bool:
    return page.content.settled_code == JOINED and page.content.settled_as == receipt_id
