"""The ledger against itself: expenses, duplicates and notifications that do not fit their receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flows.ledger.audit import (
    abandoned_contents,
    broken_duplicates,
    broken_expenses,
    count_expenses,
    expensed_without_expense,
    never_submitted,
    stuck_notifications,
)
from flows.ledger.database import Ledger
from flows.reconciliation.discrepancy import Counts, Discrepancy, Kind

_PAGE = 1000
# Two sweeps; a receipt that waits longer was overlooked.
FORGOTTEN_SECONDS = 600.0
_STUCK_SECONDS = 900.0


def compare_rows(ledger: Ledger, counts: Counts) -> Iterator[Discrepancy]:
    """Look for rows that contradict each other; the database does the looking, a page of findings at a time."""
    with ledger.session() as session:
        counts.expenses = count_expenses(session=session)
    for receipt in _pages(ledger, expensed_without_expense, lambda row: row.id):
        words = "The receipt is expensed but there is no expense; its results are kept, so no OCR is needed."
        yield Discrepancy(Kind.EXPENSE_MISSING, receipt.key, words, receipt_id=receipt.id)
    for expense_id, receipt_id in _pages(ledger, broken_expenses, lambda row: row[0]):
        words = f"Its receipt {receipt_id}, content and extraction do not belong together."
        yield Discrepancy(Kind.EXPENSE_BROKEN, str(expense_id), words, receipt_id=receipt_id)
    for receipt in _pages(ledger, broken_duplicates, lambda row: row.id):
        words = f"It is a duplicate of {receipt.duplicate_of}, which does not hold the same content."
        yield Discrepancy(Kind.DUPLICATE_BROKEN, receipt.key, words, receipt_id=receipt.id)
    for receipt in _pages(ledger, abandoned_contents, lambda row: row.id):
        words = "The receipt ended without its object and still owns the content: the same picture is its duplicate."
        yield Discrepancy(Kind.CONTENT_ABANDONED, receipt.key, words, receipt_id=receipt.id)
    for receipt in _pages(ledger, never_submitted, lambda row: row.id, older_than_seconds=FORGOTTEN_SECONDS):
        words = "It waits without a flow run; the sweep submits it: does the sweep run?"
        yield Discrepancy(Kind.NEVER_SUBMITTED, receipt.key, words, receipt_id=receipt.id)
    for stuck in _pages(ledger, stuck_notifications, lambda row: row.id, older_than_seconds=_STUCK_SECONDS):
        tried = f"{stuck.state.value} after {stuck.attempts} tries: {stuck.last_error}"
        words = f"{stuck.kind.value} to {stuck.channel} is {tried}."
        yield Discrepancy(Kind.NOTIFICATION_STUCK, str(stuck.id), words, receipt_id=stuck.receipt_id)


def _pages(ledger: Ledger, find: Callable[..., list[Any]], key: Callable[[Any], Any], **options: Any) -> Iterator[Any]:
    after = None
    while True:
        with ledger.session() as session:
            page = find(session=session, limit=_PAGE, after=after, **options)
        yield from page
        if len(page) < _PAGE:
            return
        after = key(page[-1])
