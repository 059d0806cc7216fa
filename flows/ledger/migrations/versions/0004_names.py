"""Columns get the names that the code uses: a receipt's source and process, a content's canonical receipt.

Renaming changes the catalogue only, whatever the size of the tables.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("receipts", "door", "source"),
    ("receipts", "holder", "process"),
    ("contents", "holder_id", "canonical_receipt_id"),
)
_INDEX = ("ix_contents_holder_id", "ix_contents_canonical_receipt_id")
_FOREIGN_KEY = ("fk_contents_holder_id", "fk_contents_canonical_receipt_id")


def upgrade() -> None:
    """Rename."""
    for table, old, new in _COLUMNS:
        op.alter_column(table, old, new_column_name=new)
    _rename(_INDEX[0], _INDEX[1], _FOREIGN_KEY[0], _FOREIGN_KEY[1])


def downgrade() -> None:
    """Rename back."""
    for table, old, new in _COLUMNS:
        op.alter_column(table, new, new_column_name=old)
    _rename(_INDEX[1], _INDEX[0], _FOREIGN_KEY[1], _FOREIGN_KEY[0])


def _rename(index: str, new_index: str, key: str, new_key: str) -> None:
    op.execute(f"ALTER INDEX {index} RENAME TO {new_index}")
    op.execute(f"ALTER TABLE contents RENAME CONSTRAINT {key} TO {new_key}")
