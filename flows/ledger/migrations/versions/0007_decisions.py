"""What a person decides: decisions, corrections, purchases that are not the same.

Contents get marks of it, expenses a part.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Whoever asked for everything asked for what is new, too.
_EVERYTHING = "{expense.ready,expense.updated,expense.voided,receipt.needs_review,receipt.quarantined}"
_SETTLED_AS = "ix_contents_settled_as"


def upgrade() -> None:
    """Add tables and columns; PostgreSQL keeps the columns' defaults beside the rows, so that it takes no time."""
    op.add_column("contents", sa.Column("settled", sa.String(16), nullable=True))
    for name in ("settled_code", "settled_reason"):
        op.add_column("contents", sa.Column(name, sa.Text, nullable=True))
    op.add_column("contents", sa.Column("settled_as", sa.Uuid, nullable=True))
    op.add_column("contents", sa.Column("parts", sa.BigInteger, nullable=False, server_default=sa.text("1")))
    op.create_foreign_key("fk_contents_settled_as", "contents", "receipts", ["settled_as"], ["id"], ondelete="SET NULL")
    op.create_index(_SETTLED_AS, "contents", ["settled_as"], postgresql_where=sa.text("settled_as IS NOT NULL"))
    op.add_column("expenses", sa.Column("part", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.add_column("expenses", sa.Column("notes", sa.Text, nullable=True))
    op.add_column("notifications", sa.Column("part", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.execute(
        f"UPDATE webhooks SET kinds = kinds || '{{receipt.reviewed}}' WHERE kinds @> '{_EVERYTHING}'"  # noqa: S608  # only constants
    )
    _create_decisions()
    _create_corrections()
    op.create_table(
        "distinct_purchases",
        _content(primary_key=True),
        _content("other_id", primary_key=True),
    )
    op.create_index("ix_distinct_purchases_other_id", "distinct_purchases", ["other_id"])


def downgrade() -> None:
    """Drop them; decisions and corrections are lost, dismissed receipts are in review again."""
    for name in ("distinct_purchases", "corrections", "decisions"):
        op.drop_table(name)
    op.execute("UPDATE receipts SET state = 'review', updated_at = now() WHERE state = 'dismissed'")
    op.execute("UPDATE state_changes SET from_state = 'review' WHERE from_state = 'dismissed'")
    op.execute("UPDATE state_changes SET to_state = 'review' WHERE to_state = 'dismissed'")
    op.execute("DELETE FROM notifications WHERE kind = 'receipt.reviewed'")
    op.execute("UPDATE webhooks SET kinds = array_remove(kinds, 'receipt.reviewed')")
    op.drop_column("notifications", "part")
    for name in ("notes", "part"):
        op.drop_column("expenses", name)
    op.drop_index(_SETTLED_AS, "contents")
    for name in ("parts", "settled_as", "settled_reason", "settled_code", "settled"):
        op.drop_column("contents", name)


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        _key(),
        _content(),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("code", sa.Text, nullable=True),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("previous", JSONB, nullable=False),
        sa.Column("undoes", sa.BigInteger, sa.ForeignKey("decisions.id", ondelete="CASCADE"), nullable=True),
        *_by_whom(),
    )
    op.create_index("ix_decisions_content_id_id", "decisions", ["content_id", "id"])
    op.create_index("ix_decisions_undoes", "decisions", ["undoes"], postgresql_where=sa.text("undoes IS NOT NULL"))


def _create_corrections() -> None:
    op.create_table(
        "corrections",
        _key(),
        _content(),
        sa.Column("decision_id", sa.BigInteger, sa.ForeignKey("decisions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("part", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("value", JSONB, nullable=False),
        sa.Column("taken_back", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("before", JSONB, nullable=False),
        sa.Column("machine", JSONB, nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        *_by_whom(),
    )
    op.create_index("ix_corrections_content_id_id", "corrections", ["content_id", "id"])
    op.create_index("ix_corrections_decision_id", "corrections", ["decision_id"])


def _key() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True)


def _content(name: str = "content_id", *, primary_key: bool = False) -> sa.Column[object]:
    reference = sa.ForeignKey("contents.id", ondelete="CASCADE")
    return sa.Column(name, sa.Uuid, reference, nullable=False, primary_key=primary_key)


def _by_whom() -> list[sa.Column[object]]:
    return [
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("via", sa.String(16), nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    ]
