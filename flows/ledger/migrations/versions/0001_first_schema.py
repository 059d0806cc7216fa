"""The first schema: receipts, contents, extractions, expenses, the outbox, the audit, keys and webhooks."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything, referenced tables first."""
    _create_contents()
    _create_receipts()
    op.create_foreign_key("fk_contents_holder_id", "contents", "receipts", ["holder_id"], ["id"], ondelete="SET NULL")
    _create_extractions()
    _create_expenses()
    _create_expense_rows()
    _create_notifications()
    _create_state_changes()
    _create_api_keys()
    _create_webhooks()


def downgrade() -> None:
    """Drop everything."""
    op.drop_constraint("fk_contents_holder_id", "contents")
    for table in (
        *("webhooks", "api_keys", "state_changes", "notifications", "expense_taxes", "line_items", "expenses"),
        *("extractions", "receipts", "contents"),
    ):
        op.drop_table(table)


def _create_contents() -> None:
    op.create_table(
        "contents",
        _id(),
        _text("owner"),
        sa.Column("sha256", sa.String(64), nullable=False),
        _text("media_type"),
        _count("size_bytes"),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        _time("claimed_at", now=True),
        sa.UniqueConstraint("owner", "sha256", name="uq_contents_owner_sha256"),
    )
    op.create_index("ix_contents_sha256", "contents", ["sha256"])
    op.create_index("ix_contents_holder_id", "contents", ["holder_id"])


def _create_receipts() -> None:
    op.create_table(
        "receipts",
        _id(),
        _text("bucket", collation="C"),
        _text("key", collation="C"),
        _text("etag", collation="C"),
        _text("version_id", collation="C", default=""),
        _count("size_bytes"),
        _text("owner"),
        _name("door"),
        _time("received_at", now=True),
        _name("state", default="waiting"),
        _text("reason_code", nullable=True),
        _text("reason", nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        _reference("receipts", "content_id", "contents", nullable=True),
        _reference("receipts", "duplicate_of", "receipts", nullable=True),
        sa.Column("flow_run_id", sa.Uuid(), nullable=True),
        _count("attempt"),
        _count("reopened"),
        _count("crashes"),
        _text("crash_reason", nullable=True),
        _count("crashed_attempt"),
        _texts("steps_done"),
        sa.Column("holder", JSONB(), nullable=True),
        _time("heartbeat_at"),
        sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False),
        _text("idempotency_key", nullable=True),
        _text("pipeline_version", nullable=True),
        _count("priority"),
        *(_time(name) for name in ("submitted_at", "started_at", "finished_at")),
        _time("updated_at", now=True),
        sa.UniqueConstraint("bucket", "key", "etag", "version_id", name="uq_receipts_bucket_key_etag_version_id"),
    )
    _index_receipts()


def _index_receipts() -> None:
    op.create_index("ix_receipts_owner_received_at_id", "receipts", ["owner", "received_at", "id"])
    op.create_index("ix_receipts_received_at_id", "receipts", ["received_at", "id"])
    op.create_index("ix_receipts_state_received_at", "receipts", ["state", "received_at"])
    op.create_index("ix_receipts_flow_run_id", "receipts", ["flow_run_id"])
    op.create_index("ix_receipts_content_id", "receipts", ["content_id"])
    waiting = sa.text("state = 'waiting' AND NOT held")
    op.create_index("ix_receipts_waiting", "receipts", ["priority", "received_at", "id"], postgresql_where=waiting)
    op.create_index("ix_receipts_running", "receipts", ["id"], postgresql_where=sa.text("state = 'running'"))
    duplicate = sa.text("duplicate_of IS NOT NULL")
    op.create_index("ix_receipts_duplicate_of", "receipts", ["duplicate_of"], postgresql_where=duplicate)


def _create_extractions() -> None:
    op.create_table(
        "extractions",
        _id(),
        _reference("extractions", "content_id", "contents", ondelete="CASCADE"),
        _text("engine"),
        _text("engine_version"),
        _text("parser_version"),
        sa.Column("fields", JSONB(), nullable=False),
        _text("words_key", default=""),
        _text("decision"),
        _time("created_at", now=True),
        sa.UniqueConstraint(
            *("content_id", "engine", "engine_version", "parser_version"),
            name="uq_extractions_content_id_engine_engine_version_parser_version",
        ),
    )


def _create_expenses() -> None:
    op.create_table(
        "expenses",
        _id(),
        _reference("expenses", "content_id", "contents"),
        _reference("expenses", "receipt_id", "receipts"),
        _reference("expenses", "extraction_id", "extractions"),
        _text("owner"),
        _text("merchant", nullable=True),
        sa.Column("purchase_date", sa.Date(), nullable=True),
        sa.Column("purchase_time", sa.Time(), nullable=True),
        _money("total", nullable=False),
        *(_money(name) for name in ("subtotal", "tax", "tip", "rounding")),
        sa.Column("currency", sa.String(3), nullable=True),
        *(_text(name, nullable=True) for name in ("country", "receipt_number", "payment_method")),
        _count("revision"),
        _time("created_at", now=True),
        _time("updated_at", now=True),
        sa.UniqueConstraint("content_id", name="uq_expenses_content_id"),
        sa.CheckConstraint("total <> 'NaN' AND abs(total) < 'Infinity'", name="ck_expenses_total_is_a_number"),
    )
    op.create_index("ix_expenses_owner_created_at_id", "expenses", ["owner", "created_at", "id"])
    op.create_index("ix_expenses_owner_purchase_date", "expenses", ["owner", "purchase_date"])
    op.create_index("ix_expenses_receipt_id", "expenses", ["receipt_id"])
    op.create_index("ix_expenses_extraction_id", "expenses", ["extraction_id"])


def _create_expense_rows() -> None:
    for table, columns in {
        "line_items": [
            _text("description"),
            *(_money(name) for name in ("quantity", "unit_price", "discount", "total")),
        ],
        "expense_taxes": [_money(name) for name in ("rate", "net", "amount")],
    }.items():
        op.create_table(
            table,
            _reference(table, "expense_id", "expenses", ondelete="CASCADE"),
            sa.Column("position", sa.Integer(), nullable=False),
            *columns,
            sa.PrimaryKeyConstraint("expense_id", "position", name=f"pk_{table}"),
        )


def _create_notifications() -> None:
    op.create_table(
        "notifications",
        _id(),
        _reference("notifications", "receipt_id", "receipts", ondelete="CASCADE"),
        _text("owner"),
        _name("kind"),
        _text("channel"),
        sa.Column("payload", JSONB(), nullable=False),
        _name("state", default="pending"),
        _count("attempts"),
        sa.Column("claimant", JSONB(), nullable=True),
        _time("claimed_at"),
        _time("next_attempt_at", now=True),
        _time("sent_at"),
        _text("last_error", nullable=True),
        _time("created_at", now=True),
        sa.UniqueConstraint("receipt_id", "kind", "channel", name="uq_notifications_receipt_id_kind_channel"),
    )
    pending = sa.text("state = 'pending'")
    op.create_index("ix_notifications_due", "notifications", ["next_attempt_at", "id"], postgresql_where=pending)
    op.create_index("ix_notifications_owner_created_at_id", "notifications", ["owner", "created_at", "id"])


def _create_state_changes() -> None:
    op.create_table(
        "state_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        _name("from_state", nullable=True),
        _name("to_state", nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("flow_run_id", sa.Uuid(), nullable=True),
        _count("attempt"),
        _text("reason", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_state_changes"),
    )
    op.create_index("ix_state_changes_receipt_id_id", "state_changes", ["receipt_id", "id"])


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        _id(),
        _text("owner"),
        _text("name"),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        _texts("scopes"),
        _time("created_at", now=True),
        *(_time(name) for name in ("expires_at", "revoked_at", "last_used_at")),
        sa.UniqueConstraint("secret_sha256", name="uq_api_keys_secret_sha256"),
    )
    op.create_index("ix_api_keys_owner", "api_keys", ["owner"])


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        _id(),
        _text("owner"),
        _text("url"),
        _text("secret"),
        _texts("kinds"),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        _time("created_at", now=True),
    )
    op.create_index("ix_webhooks_owner", "webhooks", ["owner"])


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid(), primary_key=True, server_default=sa.func.gen_random_uuid(), nullable=False)


def _reference(table: str, name: str, target: str, *, nullable: bool = False, **key: Any) -> sa.Column[Any]:
    return sa.Column(
        name, sa.Uuid(), sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{name}", **key), nullable=nullable
    )


def _text(
    name: str, *, nullable: bool = False, default: str | None = None, collation: str | None = None
) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(collation=collation), server_default=default, nullable=nullable)


def _name(name: str, *, nullable: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.String(16), server_default=default, nullable=nullable)


def _texts(name: str) -> sa.Column[Any]:
    return sa.Column(name, ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _money(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric(), nullable=nullable)


def _time(name: str, *, now: bool = False) -> sa.Column[Any]:
    default = sa.func.now() if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)
