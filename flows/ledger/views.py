"""What the ledger shows of its rows: immutable values with the rows' own names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from flows.ledger.schema import DeliveryState, NotificationKind, Source, State
from flows.ledger.values import Attempt, ProcessLease

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """One receipt as the ledger knows it."""

    id: UUID
    bucket: str
    key: str
    etag: str
    version_id: str
    size_bytes: int
    owner: str
    source: Source
    received_at: dt.datetime
    state: State
    reason_code: str | None
    reason: str | None
    sha256: str | None
    content_id: UUID | None
    duplicate_of: UUID | None
    same_purchase_as: UUID | None
    flow_run_id: UUID | None
    attempt: int
    reopened: int
    crashes: int
    crash_reason: str | None
    held: bool
    idempotency_key: str | None
    pipeline_version: str | None
    priority: int
    submitted_at: dt.datetime | None
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RunningReceipt:
    """A receipt in `running`. `process` is None once its process was reported gone."""

    receipt: ReceiptView
    process: ProcessLease | None

    @property
    def attempt(self) -> Attempt:
        """The attempt that holds the receipt, with which it can be released."""
        if self.receipt.flow_run_id is None:
            raise RuntimeError(f"running receipt {self.receipt.id} has no flow run; this is a bug")
        receipt = self.receipt
        return Attempt(
            receipt_id=receipt.id,
            flow_run_id=self.receipt.flow_run_id,
            number=receipt.attempt,
            received_at=receipt.received_at,
            sha256=receipt.sha256,
            crashes=receipt.crashes,
            crash_reason=receipt.crash_reason,
        )


@dataclass(frozen=True, slots=True)
class LineView:
    """One bought thing of an expense."""

    position: int
    description: str
    quantity: Decimal | None
    unit_price: Decimal | None
    discount: Decimal | None
    total: Decimal | None
    category: str | None


@dataclass(frozen=True, slots=True)
class TaxView:
    """One row of an expense's tax table; `rate` in percent."""

    position: int
    rate: Decimal | None
    net: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class ExpenseView:
    """One expense, without its lines."""

    id: UUID
    receipt_id: UUID
    content_id: UUID
    part: int
    extraction_id: UUID
    owner: str
    merchant: str | None
    purchase_date: dt.date | None
    purchase_time: dt.time | None
    total: Decimal
    subtotal: Decimal | None
    tax: Decimal | None
    tip: Decimal | None
    rounding: Decimal | None
    currency: str | None
    country: str | None
    receipt_number: str | None
    payment_method: str | None
    notes: str | None
    category: str | None
    tags: list[str]
    home_currency: str | None
    home_total: Decimal | None
    rate: Decimal | None
    rate_day: dt.date | None
    rate_source: str | None
    public_id: str
    revision: int
    voided_at: dt.datetime | None
    void_reason: str | None
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True)
class StateChangeView:
    """One line of a receipt's history. `to_state` None says that it was deleted."""

    receipt_id: UUID
    from_state: State | None
    to_state: State | None
    at: dt.datetime
    flow_run_id: UUID | None
    attempt: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class ExtractionView:
    """One reading of a content that was kept."""

    id: UUID
    engine: str
    engine_version: str
    parser_version: str
    words_key: str
    decision: str
    created_at: dt.datetime
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NotificationView:
    """One row of the outbox. `id` is the delivery id that every repeat carries."""

    id: UUID
    receipt_id: UUID
    owner: str
    kind: NotificationKind
    channel: str
    revision: int
    payload: dict[str, Any]
    state: DeliveryState
    attempts: int
    next_attempt_at: dt.datetime
    sent_at: dt.datetime | None
    last_error: str | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ReceiptDetail(ReceiptView):
    """Everything the ledger knows of one receipt, history oldest first."""

    history: tuple[StateChangeView, ...]
    expense: ExpenseView | None
    line_items: tuple[LineView, ...]
    taxes: tuple[TaxView, ...]
    extractions: tuple[ExtractionView, ...]
    notifications: tuple[NotificationView, ...]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows and the cursor to ask for the next ones with; `next` None says that these were the last."""

    items: tuple[T, ...]
    next: str | None

    def __iter__(self) -> Iterator[T]:
        """The rows."""
        return iter(self.items)

    def __len__(self) -> int:
        """How many rows."""
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Deletion:
    """What the caller has to remove elsewhere before the transaction that deletes a receipt commits.

    `results_sha256` is None while another owner's content still needs the same results. `flow_run_ids` are all runs
    that ever worked on the receipts.
    """

    objects: tuple[ReceiptView, ...]
    results_sha256: str | None
    flow_run_ids: tuple[UUID, ...]
