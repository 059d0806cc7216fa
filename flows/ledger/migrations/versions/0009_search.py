"""The printed words of each content, for search, and an index for sums.

Of contents that were read before, `reconcile-ledger` brings the words.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SUMS = "ix_expenses_sums"


def upgrade() -> None:
    """Make the index beside writers, then add the table, empty."""
    with op.get_context().autocommit_block():
        op.drop_index(_SUMS, if_exists=True, postgresql_concurrently=True)  # an invalid one of a try that broke off
        op.create_index(
            _SUMS,
            "expenses",
            ["owner", "purchase_date", "currency"],
            postgresql_include=["total", "content_id"],
            postgresql_where=sa.text("voided_at IS NULL"),
            postgresql_concurrently=True,
        )
    op.create_table(
        "content_texts",
        sa.Column("content_id", sa.Uuid, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("tsv", postgresql.TSVECTOR, nullable=False),
        sa.PrimaryKeyConstraint("content_id", name="pk_content_texts"),
        sa.ForeignKeyConstraint(
            ["content_id"], ["contents.id"], name="fk_content_texts_content_id", ondelete="CASCADE"
        ),
    )
    # The words lie beside the table, so that what an index has found is a tenth of the pages to look at.
    op.execute("ALTER TABLE content_texts SET (toast_tuple_target = 128)")
    op.create_index("ix_content_texts_tsv", "content_texts", ["tsv"], postgresql_using="gin")


def downgrade() -> None:
    """Drop both."""
    op.drop_table("content_texts")
    op.drop_index(_SUMS, "expenses")
