"""A receipt in review names the one that seems to be the same purchase."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEX = "ix_receipts_same_purchase_as"


def upgrade() -> None:
    """Add the column, and an index for the look-ups of its foreign key; both are empty, so that it takes no time."""
    op.add_column("receipts", sa.Column("same_purchase_as", sa.Uuid, nullable=True))
    op.create_foreign_key(
        "fk_receipts_same_purchase_as", "receipts", "receipts", ["same_purchase_as"], ["id"], ondelete="SET NULL"
    )
    op.create_index(_INDEX, "receipts", ["same_purchase_as"], postgresql_where=sa.text("same_purchase_as IS NOT NULL"))


def downgrade() -> None:
    """Drop both."""
    op.drop_index(_INDEX, "receipts")
    op.drop_column("receipts", "same_purchase_as")
