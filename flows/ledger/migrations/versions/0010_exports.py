"""Exports: which were made, what each booked, and the accounts of an owner's books."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NOW = sa.func.now()


def upgrade() -> None:
    """Add the three tables, all empty."""
    op.create_table(
        "exports",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True)),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("date_from", sa.Date, nullable=True),
        sa.Column("date_to", sa.Date, nullable=True),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in ("new", "changed", "voided")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
        sa.UniqueConstraint("owner", "target", "number", name="uq_exports_owner_target_number"),
    )
    op.create_table(
        "export_items",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True)),
        sa.Column("export_id", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("public_id", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("voided", sa.Boolean, nullable=False),
        sa.Column("entry", JSONB, nullable=True),
        sa.Column("remote_id", sa.Text, nullable=True),
        sa.Column("exported_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("id", name="pk_export_items"),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name="fk_export_items_export_id", ondelete="CASCADE"),
        sa.UniqueConstraint("export_id", "public_id", name="uq_export_items_export_id_public_id"),
    )
    op.create_index("ix_export_items_owner_target_public_id_id", "export_items", ["owner", "target", "public_id", "id"])
    op.create_table(
        "export_accounts",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("owner", "target", "kind", "value", name="pk_export_accounts"),
    )


def downgrade() -> None:
    """Drop them; what was exported is forgotten, so that the next export books everything again."""
    for table in ("export_accounts", "export_items", "exports"):
        op.drop_table(table)
