"""Categories per owner; an expense gets a category and tags, a line a category."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LINES = "ix_line_items_with_category"
_NO_TEXTS = sa.text("'{}'::text[]")


def upgrade() -> None:
    """Add the table and the columns; PostgreSQL keeps their defaults beside the rows, so that it takes no time."""
    op.create_table(
        "categories",
        sa.Column("id", sa.Uuid, server_default=sa.func.gen_random_uuid(), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("former_keys", ARRAY(sa.Text), server_default=_NO_TEXTS, nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_categories"),
        sa.UniqueConstraint("owner", "key", name="uq_categories_owner_key"),
    )
    op.add_column("expenses", sa.Column("category", sa.Text, nullable=True))
    op.add_column("expenses", sa.Column("tags", ARRAY(sa.Text), server_default=_NO_TEXTS, nullable=False))
    op.add_column("line_items", sa.Column("category", sa.Text, nullable=True))
    # No line has one yet, so that there is nothing to index and nobody waits.
    op.create_index(_LINES, "line_items", ["expense_id"], postgresql_where=sa.text("category IS NOT NULL"))


def downgrade() -> None:
    """Drop them."""
    op.drop_index(_LINES, "line_items")
    op.drop_column("line_items", "category")
    for name in ("tags", "category"):
        op.drop_column("expenses", name)
    op.drop_table("categories")
