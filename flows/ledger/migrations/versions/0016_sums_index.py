"""The index of sums holds category and what was converted as well."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INDEX = "ix_expenses_sums"
_BEFORE = ("total", "content_id")
_ADDED = ("id", "category", "home_currency", "home_total", "rate")


def upgrade() -> None:
    """Make it again, with more columns."""
    _make((*_BEFORE, *_ADDED))


def downgrade() -> None:
    """Make it again, as it was."""
    _make(_BEFORE)


def _make(columns: Sequence[str]) -> None:
    op.drop_index(_INDEX, "expenses")
    op.create_index(
        _INDEX,
        "expenses",
        ["owner", "purchase_date", "currency"],
        postgresql_include=list(columns),
        postgresql_where=sa.text("voided_at IS NULL"),
    )
