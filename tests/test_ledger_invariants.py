"""The ledger's invariants hold whatever many do at once: one state, one canonical receipt, one expense, one history."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from ledger_helpers import EXTRACTION, PROCESS, alive, an_object, gone, race, some_fields
from sqlalchemy import text
from sqlmodel import Session

from flows.ledger.corrections import InvalidValuesError
from flows.ledger.database import Ledger
from flows.ledger.decisions import (
    Book,
    Dismiss,
    ExpenseNotFoundError,
    NothingToUndoError,
    SamePurchaseError,
    Undo,
    correct,
    decide,
    restore,
    review_item,
    void,
)
from flows.ledger.errors import FencedError, LedgerUnavailableError, ReceiptNotFoundError, WrongStateError
from flows.ledger.notifications import create_webhook
from flows.ledger.receipts import (
    begin_attempt,
    claim_content,
    delete_receipt,
    detach_run,
    hold,
    note_crash,
    note_progress,
    receive,
    record_expense,
    record_quarantine,
    record_review,
    release,
    reopen,
    resolve,
    supersede,
)
from flows.ledger.schema import DismissReason, NotificationKind, Via
from flows.ledger.values import Actor as Decider
from flows.ledger.values import Attempt

ANNA = Decider("anna", Via.API)
REFUSALS = (
    *(FencedError, WrongStateError, ReceiptNotFoundError, LedgerUnavailableError, InvalidValuesError),
    *(ExpenseNotFoundError, NothingToUndoError, SamePurchaseError),
)
# Each query finds what must not be.
INVARIANTS = {
    "an expensed receipt without its expense": """
        SELECT r.id FROM receipts r LEFT JOIN expenses e
            ON e.receipt_id = r.id AND e.content_id = r.content_id AND e.voided_at IS NULL
        WHERE r.state = 'expensed' AND e.id IS NULL""",
    "an expense of a receipt in another state": """
        SELECT e.id FROM expenses e JOIN receipts r ON r.id = e.receipt_id
        WHERE r.state NOT IN ('expensed', 'running', 'waiting') AND e.voided_at IS NULL""",
    "an expense that is not of its content's canonical receipt": """
        SELECT e.id FROM expenses e JOIN contents c ON c.id = e.content_id
        WHERE c.canonical_receipt_id <> e.receipt_id AND e.voided_at IS NULL""",
    "an expense's revision that nobody was notified of": """
        SELECT e.id FROM expenses e WHERE NOT EXISTS (
            SELECT 1 FROM enqueued n WHERE n.expense_id = e.public_id AND n.revision = e.revision
                AND (n.kind = 'expense.voided') = (e.voided_at IS NOT NULL))""",
    "a canonical receipt that does not know its content": """
        SELECT c.id FROM contents c JOIN receipts r ON r.id = c.canonical_receipt_id
        WHERE r.content_id IS DISTINCT FROM c.id OR r.state = 'duplicate'""",
    "a content of a receipt whose object is gone": """
        SELECT c.id FROM contents c JOIN receipts r ON r.id = c.canonical_receipt_id
        WHERE r.state = 'quarantined' AND r.reason_code IN ('superseded', 'ObjectGone', 'ObjectReplaced')""",
    "a duplicate of nothing": """
        SELECT r.id FROM receipts r LEFT JOIN contents c
            ON c.id = r.content_id AND c.canonical_receipt_id = r.duplicate_of
        WHERE r.state = 'duplicate' AND c.id IS NULL""",
    "a receipt that says it is a duplicate and is none": """
        SELECT id FROM receipts WHERE state <> 'duplicate' AND duplicate_of IS NOT NULL""",
    "a final receipt that a process works on": """
        SELECT id FROM receipts WHERE (state NOT IN ('running', 'waiting')) <> (finished_at IS NOT NULL)
        OR (state NOT IN ('running', 'waiting') AND process IS NOT NULL)""",
    "a history that does not end in the state": """
        SELECT r.id FROM receipts r WHERE r.state <> (
            SELECT to_state FROM state_changes s WHERE s.receipt_id = r.id ORDER BY s.id DESC LIMIT 1)""",
    "a history with a gap": """
        SELECT id FROM (SELECT id, from_state, lag(to_state) OVER (PARTITION BY receipt_id ORDER BY id) AS before
        FROM state_changes) s WHERE from_state IS DISTINCT FROM before""",
    "an attempt's number used twice": """
        SELECT receipt_id FROM state_changes WHERE to_state = 'running'
        GROUP BY receipt_id, attempt HAVING count(*) > 1""",
    "a settled content whose receipt ended otherwise": """
        SELECT c.id FROM contents c JOIN receipts r ON r.id = c.canonical_receipt_id
        WHERE r.state NOT IN ('waiting', 'running') AND c.settled IS NOT NULL
            AND r.state <> CASE c.settled WHEN 'booked' THEN 'expensed' ELSE 'dismissed' END""",
    "a dismissed receipt that nobody dismissed": """
        SELECT r.id FROM receipts r LEFT JOIN contents c
            ON c.canonical_receipt_id = r.id AND c.settled = 'dismissed'
        WHERE r.state = 'dismissed' AND c.id IS NULL""",
    "an expense that counts of a dismissed content": """
        SELECT e.id FROM expenses e JOIN contents c ON c.id = e.content_id
        WHERE c.settled = 'dismissed' AND e.voided_at IS NULL""",
    "a correction that counts and is not booked": """
        SELECT e.id FROM expenses e JOIN contents c ON c.id = e.content_id JOIN LATERAL (
            SELECT value, taken_back FROM corrections x WHERE x.content_id = c.id AND x.field = 'tip'
            ORDER BY x.id DESC LIMIT 1) newest ON NOT newest.taken_back
        WHERE e.voided_at IS NULL AND e.tip::text IS DISTINCT FROM newest.value #>> '{}'""",
    "lines of half an expense": """
        SELECT e.id FROM expenses e LEFT JOIN line_items l ON l.expense_id = e.id
        GROUP BY e.id HAVING count(l.*) <> 2""",
}


# Deleting a receipt takes its notifications along, also those of an expense that has passed on to another receipt.
_NOTE_ENQUEUED = """
    CREATE TABLE enqueued (expense_id text, revision integer, kind text);
    CREATE FUNCTION note_enqueued() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO enqueued VALUES (NEW.payload ->> 'expense_id', NEW.revision, NEW.kind);
            RETURN NEW;
        END $$;
    CREATE TRIGGER note_enqueued AFTER INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION note_enqueued()
"""


@pytest.fixture
def enqueued(ledger: Ledger) -> Iterator[None]:
    """Keeps a note of each notification that was ever put into the outbox."""
    with ledger.session() as session:
        session.execute(text(_NOTE_ENQUEUED))
    yield
    with ledger.session() as session:
        session.execute(text("DROP TRIGGER note_enqueued ON notifications"))
        session.execute(text("DROP FUNCTION note_enqueued"))
        session.execute(text("DROP TABLE enqueued"))


class Actor:
    """One of many that do anything at any time; keeps its attempts, however old they are."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger, self.random = ledger, random.Random(seed)
        self.attempts: list[Attempt] = []
        self.did: Counter[str] = Counter()

    def act(self, times: int) -> Counter[str]:
        """Do so many things; what was refused and how often."""
        for _ in range(times):
            action = self.random.choice(
                [self.begin, self.begin, self.claim, self.write, self.write, self.meddle, self.decide]
            )
            try:
                with self.ledger.session() as session:
                    action(session)
            except REFUSALS as error:
                self.did[type(error).__name__] += 1
        return self.did

    def begin(self, session: Session) -> None:
        key = f"anna/{self.random.randrange(8)}"
        receipt_id = receive(an_object(key), session=session).receipt_id
        judge, force = self.random.choice([alive, gone]), self.random.random() < 0.3
        begun = begin_attempt(receipt_id, uuid4(), PROCESS, process_is_gone=judge, force=force, session=session)
        if isinstance(begun, Attempt):
            self.attempts.append(begun)
        self.did[type(begun).__name__] += 1

    def claim(self, session: Session) -> None:
        if self.attempts:
            attempt = self.attempts[-1]
            # Few contents for many receipts; which one an object has depends on its id alone.
            claim = claim_content(attempt, f"{attempt.receipt_id.int % 3:064x}", session=session)
            self.did[type(claim).__name__] += 1

    def write(self, session: Session) -> None:
        if not self.attempts:
            return
        attempt = self.attempts[self.random.choice([-1, -1, -1, 0])]
        writes: list[Callable[[], object]] = [
            lambda: record_expense(attempt, some_fields(), EXTRACTION, session=session),
            lambda: record_expense(attempt, some_fields(), EXTRACTION, session=session),
            lambda: record_review(attempt, some_fields(), EXTRACTION, session=session),
            lambda: record_quarantine(attempt, "broken", session=session),
            lambda: record_quarantine(attempt, "gone", code="ObjectGone", session=session),
            lambda: release(attempt, "given back", session=session),
            lambda: note_progress(attempt, "extract_text", session=session),
        ]
        self.random.choice(writes)()
        self.did["write"] += 1

    def decide(self, session: Session) -> None:
        receipt_id: UUID = resolve(f"anna/{self.random.randrange(8)}", session=session)
        tip = str(self.random.randrange(9))
        deciding: list[Callable[[], object]] = [
            lambda: decide(receipt_id, Book({"tip": tip}, keep_both=True), ANNA, session=session),
            lambda: decide(receipt_id, Book(), ANNA, session=session),
            lambda: decide(receipt_id, Dismiss(DismissReason.NOT_MINE), ANNA, session=session),
            lambda: decide(receipt_id, Undo(), ANNA, session=session),
            lambda: correct(self.expense_of(receipt_id, session), {"tip": tip}, ANNA, session=session),
            lambda: void(self.expense_of(receipt_id, session), "not ours", ANNA, session=session),
            lambda: restore(self.expense_of(receipt_id, session), ANNA, session=session),
        ]
        self.random.choice(deciding)()
        self.did["decide"] += 1

    def expense_of(self, receipt_id: UUID, session: Session) -> str:
        expenses = review_item(receipt_id, session=session).expenses
        return expenses[0].public_id if expenses else "rf-none"

    def meddle(self, session: Session) -> None:
        receipt_id: UUID = resolve(f"anna/{self.random.randrange(8)}", session=session)
        meddling: list[Callable[[], object]] = [
            lambda: supersede(receipt_id, "replaced", session=session),
            lambda: supersede(receipt_id, "replaced", session=session),
            lambda: hold(receipt_id, "cancelled", session=session),
            lambda: reopen(receipt_id, "by hand", session=session),
            lambda: detach_run(receipt_id, "lost", session=session),
            lambda: delete_receipt(receipt_id, "asked for", session=session),
            lambda: note_crash(receipt_id, 1, "killed", counts=True, session=session),
        ]
        self.random.choice(meddling)()
        self.did["meddle"] += 1


THINGS = {"Attempt", "Claimed", "DuplicateOf", "write", "meddle", "decide", "FencedError"}


@pytest.mark.usefixtures("enqueued")
@pytest.mark.parametrize("seed", range(3))
def test_no_invariant_is_broken_by_eight_that_do_anything_at_once(ledger: Ledger, seed: int) -> None:
    with ledger.session() as session:  # supersede notifies webhooks alone
        create_webhook("anna", "https://accounting.example", list(NotificationKind), session=session)
    actors = [Actor(ledger, seed * 100 + number) for number in range(8)]
    did: Counter[str] = Counter()
    for _ in range(10):  # what comes about is up to how they meet; until each thing has
        did = sum(race([lambda actor=actor: actor.act(60) for actor in actors]), Counter())
        if set(did) >= THINGS:
            break
    assert set(did) >= THINGS
    with ledger.session() as session:
        broken = {name: session.execute(text(query)).all() for name, query in INVARIANTS.items()}
    assert {name: rows for name, rows in broken.items() if rows} == {}
    # Locks are taken in one order, so waiting for each other is no everyday thing.
    assert did["LedgerUnavailableError"] <= 2, did
