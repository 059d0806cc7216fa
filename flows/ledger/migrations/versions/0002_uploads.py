"""Uploads through the API: places promised in the inbox, and repeated requests."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of uploads."""
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name=op.f("fk_uploads_receipt_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("bucket", "key", name=op.f("uq_uploads_bucket_key")),
        sa.UniqueConstraint(
            "owner", "idempotency_key", "position", name=op.f("uq_uploads_owner_idempotency_key_position")
        ),
    )
    op.create_index("ix_uploads_owner_sha256", "uploads", ["owner", "sha256"], unique=False)
    op.create_index("ix_uploads_receipt_id", "uploads", ["receipt_id"], unique=False)


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_uploads_receipt_id", table_name="uploads")
    op.drop_index("ix_uploads_owner_sha256", table_name="uploads")
    op.drop_table("uploads")
