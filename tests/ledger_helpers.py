"""What the ledger's tests share: objects to receive, fields to record, receipts brought to where a test begins."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import func, select, text
from sqlalchemy import table as column_table

from flows.domain.fields import Found, LineItem, Payment, ReceiptFields, Tax
from flows.ledger.database import Ledger
from flows.ledger.receipts import begin_attempt, claim_content, get_receipt, receive, record_expense
from flows.ledger.values import (
    Attempt,
    Claimed,
    DuplicateOf,
    Extraction,
    ProcessIdentity,
    ProcessLease,
    ReceivedObject,
    Recorded,
)

T = TypeVar("T")

PROCESS = ProcessIdentity(host_id="host", boot_id="boot", pid=1, pid_started=10)
OTHER_PROCESS = ProcessIdentity(host_id="host", boot_id="boot", pid=2, pid_started=20)
EXTRACTION = Extraction("tesseract", "5.5/1", words_key="ab/extract_text/1.json")
SHA256 = "ab" * 32


def alive(_lease: ProcessLease) -> bool:
    """Answers that the process is not gone."""
    return False


def gone(_lease: ProcessLease) -> bool:
    """Answers that the process is gone."""
    return True


def an_object(key: str = "anna/1.jpg", **changes: Any) -> ReceivedObject:
    """An object in the inbox, of the owner that its key names."""
    values: dict[str, Any] = {
        "etag": f"etag of {key}",
        "owner": key.split("/", maxsplit=1)[0],
        "source": "sweep",
        "size_bytes": 7,
    }
    return ReceivedObject(**({"bucket": "inbox", "key": key} | values | changes))


def received(ledger: Ledger, key: str = "anna/1.jpg", **changes: Any) -> UUID:
    """The id of a receipt that waits."""
    with ledger.session() as session:
        return receive(an_object(key, **changes), session=session).receipt_id


def begun(ledger: Ledger, receipt_id: UUID, flow_run_id: UUID | None = None, **options: Any) -> Attempt:
    """A new attempt at a receipt."""
    options = {"process_is_gone": alive} | options
    with ledger.session() as session:
        attempt = begin_attempt(receipt_id, flow_run_id or uuid4(), PROCESS, session=session, **options)
    assert isinstance(attempt, Attempt)
    return attempt


def claimed(ledger: Ledger, key: str = "anna/1.jpg", sha256: str = SHA256) -> Attempt:
    """An attempt that has claimed its content."""
    attempt = begun(ledger, received(ledger, key))
    with ledger.session() as session:
        claim = claim_content(attempt, sha256, session=session)
    assert isinstance(claim, Claimed)
    return attempt


def expensed(ledger: Ledger, key: str = "anna/1.jpg", sha256: str = SHA256, **fields: Any) -> Attempt:
    """An attempt that has posted its expense."""
    attempt = claimed(ledger, key, sha256)
    record(ledger, attempt, **fields)
    return attempt


def record(ledger: Ledger, attempt: Attempt, **fields: Any) -> Recorded:
    """Post the attempt's expense; `fields` as for `some_fields`."""
    with ledger.session() as session:
        recorded = record_expense(attempt, some_fields(**fields), EXTRACTION, session=session)
    assert isinstance(recorded, Recorded), "it was taken for a purchase that is posted already"
    return recorded


def duplicate(ledger: Ledger, key: str, sha256: str = SHA256) -> Attempt:
    """An attempt that found its content held by another receipt."""
    attempt = begun(ledger, received(ledger, key))
    with ledger.session() as session:
        claim = claim_content(attempt, sha256, session=session)
    assert isinstance(claim, DuplicateOf)
    return attempt


def found(value: T) -> Found[T]:
    """A sure field."""
    return Found[Any](value=value, confidence=0.9, page=1)


def some_fields(**changes: Any) -> ReceiptFields:
    """What was read from a receipt of two things; `changes` are plain values."""
    values: dict[str, Any] = {
        "merchant": "Markt am Eck",
        "purchase_date": dt.date(2026, 11, 20),
        "total": Decimal("12.50"),
        "tax": Decimal("2.00"),
        "currency": "EUR",
    } | changes
    return ReceiptFields(
        parser_version="1",
        line_items=(found(LineItem(description="Brot", total=Decimal("4.50"))), found(LineItem(description="Käse"))),
        taxes=(found(Tax(rate=Decimal(19), net=Decimal("10.50"), amount=Decimal("2.00"))),),
        payments=(found(Payment(method="card")),),
        decision="accept",
        **{name: None if value is None else found(value) for name, value in values.items()},
    )


def state_of(ledger: Ledger, receipt_id: UUID) -> str:
    """The receipt's state."""
    with ledger.session() as session:
        return get_receipt(receipt_id, session=session).state.value


def count(ledger: Ledger, table: str) -> int:
    """How many rows a table has."""
    with ledger.session() as session:
        return int(session.execute(select(func.count()).select_from(column_table(table))).scalar_one())


def race(works: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Do all the works at the same moment, each in a thread; what each gave or raised."""
    start = Barrier(len(works))

    def run(work: Callable[[], T]) -> T | Exception:
        start.wait()
        try:
            return work()
        except Exception as error:  # the test looks at it
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def until_waiting(ledger: Ledger, transactions: int) -> None:
    """Return when so many transactions wait for locks that others hold."""
    query = text("""
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
    """)
    end = time.monotonic() + 60
    while True:
        with ledger.session() as session:
            if session.execute(query).scalar_one() == transactions:
                return
        assert time.monotonic() < end, "they did not come to wait"
        time.sleep(0.01)
