"""An index for one owner's receipts in one state: a rare state was looked for through all of the owner's rows."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME = "ix_receipts_owner_state_received_at_id"


def upgrade() -> None:
    """Add the index."""
    op.create_index(_NAME, "receipts", ["owner", "state", "received_at", "id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index(_NAME, "receipts")
