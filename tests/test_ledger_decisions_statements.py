"""What a decision asks of the database: a fixed number of statements, whatever is printed, corrected or like it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from ledger_helpers import claimed, some_fields
from sqlalchemy import Engine, event

from flows.ledger.database import Ledger
from flows.ledger.decisions import Book, Decision, Dismiss, Undo, decide
from flows.ledger.receipts import record_review
from flows.ledger.schema import DismissReason, Via
from flows.ledger.values import Actor, Extraction

ANNA = Actor("anna", Via.API)
# Savepoints and locks included, the transaction's own beginning and end not.
_MOST = {"book": 34, "dismiss": 15, "undo": 28}
_MARKS = "Markt am Eck\nHauptstr. 5, 10115 Berlin\nTel 030/1234567\nwww.markt-am-eck.de\nUSt-ID DE123456789"


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that is sent while the block runs."""
    sent: list[str] = []

    def note(*given: Any) -> None:
        sent.append(given[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def unsure(ledger: Ledger, number: int, printed: str = _MARKS) -> UUID:
    attempt = claimed(ledger, f"anna/{number}.jpg", f"{number:064x}")
    read = some_fields(total=Decimal(number)).model_copy(update={"decision": "review", "reasons": ("?",)})
    with ledger.session() as session:
        record_review(attempt, read, Extraction("t", "1", words_key="w", text=printed), session=session)
    return attempt.receipt_id


def sent_by(ledger: Ledger, receipt_id: UUID, decision: Decision) -> list[str]:
    with ledger.session() as session, statements() as sent:
        decide(receipt_id, decision, ANNA, session=session)
    return sent


def test_a_decision_sends_no_more_statements_for_more_marks_corrections_and_like_purchases(ledger: Ledger) -> None:
    first = sent_by(ledger, unsure(ledger, 1, "Markt am Eck"), Book())
    changes = {"total": "19.46", "merchant": "Markt", "notes": "x", "line_items/1/total": "4.40"}
    for number in range(2, 8):  # all of them one purchase, to the eye
        sent = sent_by(ledger, unsure(ledger, number), Book(changes, keep_both=True))
    assert len(first) <= _MOST["book"], "\n".join(first)
    assert len(sent) <= _MOST["book"] + 2, "\n".join(sent)  # and that they are kept apart, and a rule's going


@pytest.mark.parametrize(
    ("kind", "decision"), [("dismiss", Dismiss(DismissReason.NOT_MINE)), ("undo", Undo())], ids=["dismiss", "undo"]
)
def test_other_decisions_too(ledger: Ledger, kind: str, decision: Decision) -> None:
    receipt_id = unsure(ledger, 1)
    if kind == "undo":
        sent_by(ledger, receipt_id, Book({"total": "19.46", "merchant": "Markt"}))
    sent = sent_by(ledger, receipt_id, decision)
    assert len(sent) <= _MOST[kind], "\n".join(sent)
