"""Home currencies: what an owner has set, the rates, and what an expense is in the owner's own currency."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COLUMNS = ("home_currency", "home_total", "rate", "rate_day", "rate_source")


def upgrade() -> None:
    """Add both tables, empty, and the columns, which hold nothing until an owner sets a home currency."""
    op.create_table(
        "owner_settings",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("home_currency", sa.String(3), nullable=True),
        sa.Column("year_starts", sa.String(5), server_default="01-01", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.String(3), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("per_euro", sa.Numeric, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
    )
    kinds: tuple[Any, ...] = (sa.String(3), sa.Numeric, sa.Numeric, sa.Date, sa.Text)
    for name, kind in zip(_COLUMNS, kinds, strict=True):
        op.add_column("expenses", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Drop them."""
    for name in reversed(_COLUMNS):
        op.drop_column("expenses", name)
    op.drop_table("exchange_rates")
    op.drop_table("owner_settings")
