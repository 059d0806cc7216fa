"""The ledger's tables of receipts and what was made of them, as SQLModel classes.

Only this package sees them: its functions take and return the values of `values.py`. Every time is aware and
comes from the database's clock, money is unconstrained NUMERIC (PostgreSQL would round a fixed scale silently),
and object keys are collated "C" so that their order is S3's, byte by byte.
"""

import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from flows.ledger.schema.states import DeliveryState, NotificationKind, Settlement, Source, State


class Table(SQLModel):
    """Base of the ledger's tables: metadata of its own, so that no other SQLModel user gets into the migrations."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def _id() -> Any:
    return Field(default=None, sa_column=Column(Uuid, primary_key=True, server_default=func.gen_random_uuid()))


def _uuid(reference: str | None = None, *, nullable: bool = False, **key: Any) -> Any:
    keys = [ForeignKey(reference, **key)] if reference else []
    return Field(default=None, sa_column=Column(Uuid, *keys, nullable=nullable))


def _text(*, nullable: bool = False, default: str | None = None, collation: str | None = None) -> Any:
    return Field(
        default=default, sa_column=Column(Text(collation=collation), nullable=nullable, server_default=default)
    )


def _time(*, nullable: bool = True, now: bool = False) -> Any:
    default = func.now() if now else None
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=default))


def _count(first: int = 0) -> Any:
    return Field(default=first, sa_column=Column(BigInteger, nullable=False, server_default=text(str(first))))


def _enum(kind: type[Any], *, nullable: bool = False, default: str | None = None, length: int = 16) -> Any:
    """A text column that holds a member's value: a new member needs no change of the schema."""
    column = Enum(
        kind, native_enum=False, length=length, values_callable=lambda members: [one.value for one in members]
    )
    return Field(default=None, sa_column=Column(column, nullable=nullable, server_default=default))


def _json(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=nullable))


def _texts() -> Any:
    return Field(default=[], sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")))


def _money(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(Numeric, nullable=nullable))


class Receipt(Table, table=True):
    """One received object."""

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("bucket", "key", "etag", "version_id"),
        Index("ix_receipts_owner_received_at_id", "owner", "received_at", "id"),
        Index("ix_receipts_owner_state_received_at_id", "owner", "state", "received_at", "id"),
        Index("ix_receipts_received_at_id", "received_at", "id"),
        Index("ix_receipts_state_received_at", "state", "received_at"),
        Index(
            "ix_receipts_waiting",
            "priority",
            "received_at",
            "id",
            postgresql_where=text("state = 'waiting' AND NOT held"),
        ),
        Index("ix_receipts_running", "id", postgresql_where=text("state = 'running'")),
        Index("ix_receipts_flow_run_id", "flow_run_id"),
        Index("ix_receipts_content_id", "content_id"),
        Index(
            "ix_receipts_same_purchase_as", "same_purchase_as", postgresql_where=text("same_purchase_as IS NOT NULL")
        ),
        Index("ix_receipts_duplicate_of", "duplicate_of", postgresql_where=text("duplicate_of IS NOT NULL")),
    )

    id: UUID = _id()
    bucket: str = _text(collation="C")
    key: str = _text(collation="C")
    etag: str = _text(collation="C")
    version_id: str = _text(default="", collation="C")
    size_bytes: int = _count()
    owner: str = _text()
    source: Source = _enum(Source)
    received_at: dt.datetime = _time(nullable=False, now=True)
    state: State = _enum(State, default="waiting")
    reason_code: str | None = _text(nullable=True)
    reason: str | None = _text(nullable=True)
    sha256: str | None = Field(default=None, sa_column=Column(String(64), nullable=True))
    content_id: UUID | None = _uuid("contents.id", nullable=True)
    duplicate_of: UUID | None = _uuid("receipts.id", nullable=True)
    same_purchase_as: UUID | None = _uuid("receipts.id", nullable=True, ondelete="SET NULL")
    flow_run_id: UUID | None = _uuid(nullable=True)
    attempt: int = _count()
    reopened: int = _count()
    crashes: int = _count()
    crash_reason: str | None = _text(nullable=True)
    crashed_attempt: int = _count()
    steps_done: list[str] = _texts()
    process: dict[str, Any] | None = _json(nullable=True)
    heartbeat_at: dt.datetime | None = _time()
    held: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    idempotency_key: str | None = _text(nullable=True)
    pipeline_version: str | None = _text(nullable=True)
    priority: int = _count()
    submitted_at: dt.datetime | None = _time()
    started_at: dt.datetime | None = _time()
    finished_at: dt.datetime | None = _time()
    updated_at: dt.datetime = _time(nullable=False, now=True)


class Content(Table, table=True):
    """One content of one owner, with the receipt that is read for it, and what a person decided that it is.

    `parts` is how many expenses it gives: more than one once a person has split it.
    """

    __tablename__ = "contents"
    __table_args__ = (
        UniqueConstraint("owner", "sha256"),
        Index("ix_contents_sha256", "sha256"),
        Index("ix_contents_canonical_receipt_id", "canonical_receipt_id"),
        Index("ix_contents_settled_as", "settled_as", postgresql_where=text("settled_as IS NOT NULL")),
    )

    id: UUID = _id()
    owner: str = _text()
    sha256: str = Field(sa_column=Column(String(64), nullable=False))
    media_type: str = _text()
    size_bytes: int = _count()
    canonical_receipt_id: UUID | None = _uuid("receipts.id", nullable=True, ondelete="SET NULL", use_alter=True)
    claimed_at: dt.datetime = _time(nullable=False, now=True)
    settled: Settlement | None = _enum(Settlement, nullable=True)
    settled_code: str | None = _text(nullable=True)
    settled_reason: str | None = _text(nullable=True)
    settled_as: UUID | None = _uuid("receipts.id", nullable=True, ondelete="SET NULL", use_alter=True)
    parts: int = _count(first=1)


class ExtractionRow(Table, table=True):
    """What one engine and one parser version read from one content."""

    __tablename__ = "extractions"
    __table_args__ = (UniqueConstraint("content_id", "engine", "engine_version", "parser_version"),)

    id: UUID = _id()
    content_id: UUID = _uuid("contents.id", ondelete="CASCADE")
    engine: str = _text()
    engine_version: str = _text()
    parser_version: str = _text()
    fields: dict[str, Any] = _json()
    words_key: str = _text(default="")
    decision: str = _text()
    created_at: dt.datetime = _time(nullable=False, now=True)


class Expense(Table, table=True):
    """The expense of one content, or of one part of it. `public_id` never changes, `revision` counts changes from 1.

    One that is taken back is voided: it stays with its values and counts no more.
    """

    __tablename__ = "expenses"
    __table_args__ = (
        UniqueConstraint("content_id", "part"),
        UniqueConstraint("public_id"),
        Index("ix_expenses_owner_created_at_id", "owner", "created_at", "id"),
        Index("ix_expenses_owner_purchase_date", "owner", "purchase_date"),
        # Sums, and what a search has to join, from the index alone. A merchant's name may be longer than one holds.
        Index(
            "ix_expenses_sums",
            *("owner", "purchase_date", "currency"),
            postgresql_include=[
                *("total", "content_id", "id", "category"),
                *("home_currency", "home_total", "rate"),
            ],
            postgresql_where=text("voided_at IS NULL"),
        ),
        Index("ix_expenses_receipt_id", "receipt_id"),
        Index("ix_expenses_extraction_id", "extraction_id"),
        CheckConstraint("total <> 'NaN' AND abs(total) < 'Infinity'", name="total_is_a_number"),
    )

    id: UUID = _id()
    content_id: UUID = _uuid("contents.id")
    part: int = _count()
    receipt_id: UUID = _uuid("receipts.id")
    extraction_id: UUID = _uuid("extractions.id")
    owner: str = _text()
    merchant: str | None = _text(nullable=True)
    purchase_date: dt.date | None = None
    purchase_time: dt.time | None = None
    total: Decimal = _money(nullable=False)
    subtotal: Decimal | None = _money()
    tax: Decimal | None = _money()
    tip: Decimal | None = _money()
    rounding: Decimal | None = _money()
    currency: str | None = Field(default=None, sa_column=Column(String(3), nullable=True))
    country: str | None = _text(nullable=True)
    receipt_number: str | None = _text(nullable=True)
    payment_method: str | None = _text(nullable=True)
    notes: str | None = _text(nullable=True)
    category: str | None = _text(nullable=True)
    tags: list[str] = _texts()
    home_currency: str | None = Field(default=None, sa_column=Column(String(3), nullable=True))
    home_total: Decimal | None = _money()
    rate: Decimal | None = _money()
    rate_day: dt.date | None = None
    rate_source: str | None = _text(nullable=True)
    public_id: str = _text()
    revision: int = _count(first=1)
    voided_at: dt.datetime | None = _time()
    void_reason: str | None = _text(nullable=True)
    created_at: dt.datetime = _time(nullable=False, now=True)
    updated_at: dt.datetime = _time(nullable=False, now=True)


class ExpenseLine(Table, table=True):
    """One bought thing of an expense, in the receipt's order from 1."""

    __tablename__ = "line_items"
    __table_args__ = (
        Index("ix_line_items_with_category", "expense_id", postgresql_where=text("category IS NOT NULL")),
    )

    expense_id: UUID = Field(
        default=None, sa_column=Column(Uuid, ForeignKey("expenses.id", ondelete="CASCADE"), primary_key=True)
    )
    position: int = Field(default=None, primary_key=True)
    description: str = _text()
    quantity: Decimal | None = _money()
    unit_price: Decimal | None = _money()
    discount: Decimal | None = _money()
    total: Decimal | None = _money()
    category: str | None = _text(nullable=True)


class ExpenseTax(Table, table=True):
    """One row of an expense's tax table, in the receipt's order from 1."""

    __tablename__ = "expense_taxes"

    expense_id: UUID = Field(
        default=None, sa_column=Column(Uuid, ForeignKey("expenses.id", ondelete="CASCADE"), primary_key=True)
    )
    position: int = Field(default=None, primary_key=True)
    rate: Decimal | None = _money()
    net: Decimal | None = _money()
    amount: Decimal | None = _money()


class Notification(Table, table=True):
    """The outbox: one row per receipt, kind, channel, and revision and part of the expense.

    Its id is the delivery id that every repeat carries.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("receipt_id", "kind", "channel", "revision", "part"),
        Index("ix_notifications_due", "next_attempt_at", "id", postgresql_where=text("state = 'pending'")),
        Index("ix_notifications_owner_created_at_id", "owner", "created_at", "id"),
    )

    id: UUID = _id()
    receipt_id: UUID = _uuid("receipts.id", ondelete="CASCADE")
    owner: str = _text()
    kind: NotificationKind = _enum(NotificationKind, length=32)
    channel: str = _text()
    revision: int = _count()
    part: int = _count()
    payload: dict[str, Any] = _json()
    state: DeliveryState = _enum(DeliveryState, default="pending")
    attempts: int = _count()
    claimant: dict[str, Any] | None = _json(nullable=True)
    claimed_at: dt.datetime | None = _time()
    next_attempt_at: dt.datetime = _time(nullable=False, now=True)
    sent_at: dt.datetime | None = _time()
    last_error: str | None = _text(nullable=True)
    created_at: dt.datetime = _time(nullable=False, now=True)


class StateChange(Table, table=True):
    """The audit: appended by every state write. No foreign key: it outlives a deleted receipt, without its reasons."""

    __tablename__ = "state_changes"
    __table_args__ = (Index("ix_state_changes_receipt_id_id", "receipt_id", "id"),)

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    receipt_id: UUID = _uuid()
    from_state: State | None = _enum(State, nullable=True)
    to_state: State | None = _enum(State, nullable=True)
    at: dt.datetime = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    )
    flow_run_id: UUID | None = _uuid(nullable=True)
    attempt: int = _count()
    reason: str | None = _text(nullable=True)


class ApiKey(Table, table=True):
    """One key of one owner. Only the hash of its secret is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("secret_sha256"), Index("ix_api_keys_owner", "owner"))

    id: UUID = _id()
    owner: str = _text()
    name: str = _text()
    secret_sha256: str = Field(sa_column=Column(String(64), nullable=False))
    scopes: list[str] = _texts()
    created_at: dt.datetime = _time(nullable=False, now=True)
    expires_at: dt.datetime | None = _time()
    revoked_at: dt.datetime | None = _time()
    last_used_at: dt.datetime | None = _time()


class Webhook(Table, table=True):
    """Where an owner wants to be notified. The secret signs what is sent, so it is kept as it is."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_owner", "owner"),)

    id: UUID = _id()
    owner: str = _text()
    url: str = _text()
    secret: str = _text()
    kinds: list[str] = _texts()
    active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    created_at: dt.datetime = _time(nullable=False, now=True)
