"""Rules that a person made by hand come from no receipt."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a rule name no content."""
    op.alter_column("rules", "content_id", nullable=True)


def downgrade() -> None:
    """Rules made by hand go: the release before knows none."""
    op.execute("DELETE FROM rules WHERE content_id IS NULL")
    op.alter_column("rules", "content_id", nullable=False)
