"""What the ledger's functions take and give: immutable values, never table rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from flows.ledger.errors import InvalidReferenceError
from flows.ledger.states import DeliveryState, Door, Kind, State

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReceivedObject:
    """One object in a bucket, as a listing, an event or a PUT names it. Quotes around the ETag are dropped."""

    bucket: str
    key: str
    etag: str
    owner: str
    door: str
    size_bytes: int = 0
    version_id: str = ""
    priority: int = 0
    pipeline_version: str | None = None

    def __post_init__(self) -> None:
        """Normalise what S3 writes in two ways, refuse what PostgreSQL cannot hold.

        Raises:
            InvalidReferenceError: A name holds a NUL character.
            ValueError: There is no such door.
        """
        object.__setattr__(self, "door", Door(self.door))
        object.__setattr__(self, "etag", self.etag.strip('"'))
        object.__setattr__(self, "version_id", "" if self.version_id == "null" else self.version_id)
        if "\x00" in f"{self.bucket}{self.key}{self.etag}{self.version_id}{self.owner}":
            raise InvalidReferenceError(f"the object key {self.key!r} holds a NUL character; rename the object")


@dataclass(frozen=True, slots=True)
class Reception:
    """What `receive` found or made. `reopened` belongs into the flow run's idempotency key."""

    receipt_id: UUID
    created: bool
    state: State
    flow_run_id: UUID | None
    reopened: int
    held: bool
    submitted: bool


@dataclass(frozen=True, slots=True)
class WaitingReceipt:
    """What is needed to submit a receipt. `reopened` belongs into the flow run's idempotency key."""

    receipt_id: UUID
    bucket: str
    key: str
    owner: str
    reopened: int
    pipeline_version: str | None
    priority: int


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process on one boot of one host. `pid_started` tells a process from a later one with the same pid."""

    host_id: str
    boot_id: str
    pid: int
    pid_started: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs a receipt's current attempt, and when it last said so (`silent_seconds` by the database's clock)."""

    process: ProcessIdentity
    silent_seconds: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process working on one receipt. `number` fences every write.

    `sha256` is known if an earlier attempt claimed the content; `crashes` is how often the step behind the last one
    that got done has ended its process.
    """

    receipt_id: UUID
    flow_run_id: UUID
    number: int
    received_at: dt.datetime
    sha256: str | None = None
    crashes: int = 0
    crash_reason: str | None = None


@dataclass(frozen=True, slots=True)
class AlreadyFinal:
    """The receipt has its place; nothing is to be done but notifications that are still `unsent`."""

    receipt_id: UUID
    state: State
    reason: str | None
    unsent: int


@dataclass(frozen=True, slots=True)
class Busy:
    """Another flow run works on the receipt and its process may be alive."""

    receipt_id: UUID
    flow_run_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """This receipt is the one that is read for its content."""

    content_id: UUID


@dataclass(frozen=True, slots=True)
class DuplicateOf:
    """Another receipt of the same owner has the same content; this one is marked `duplicate`."""

    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Extraction:
    """What read the words. `words_key` is where they lie in the results bucket."""

    engine: str
    engine_version: str
    words_key: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The expense that was booked, or was booked already (`created` false)."""

    expense_id: UUID
    created: bool


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
    door: Door
    received_at: dt.datetime
    state: State
    reason_code: str | None
    reason: str | None
    sha256: str | None
    content_id: UUID | None
    duplicate_of: UUID | None
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
    """A receipt in `running`. `holder` is None once its process was reported gone."""

    receipt: ReceiptView
    holder: Holder | None

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
    revision: int
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
    kind: Kind
    channel: str
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
    """What the caller has to remove from the buckets after a receipt was deleted.

    `results_sha256` is None while another owner's content still needs the same results.
    """

    objects: tuple[ReceiptView, ...]
    results_sha256: str | None
