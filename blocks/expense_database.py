"""The block that tells flows which PostgreSQL holds the ledger."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr


class ExpenseDatabase(Block):
    """The PostgreSQL database of received objects, expenses and notifications."""

    _block_type_name = "Expense Database"
    _block_type_slug = "expense-database"
    _logo_url = None
    _description = "PostgreSQL database in which receiptflow keeps its ledger."

    url: SecretStr = Field(
        description="SQLAlchemy URL, for example postgresql+psycopg://user:password@host/ledger. "
        "The database must exist; the embedded stack makes its tables, elsewhere `receiptflow provision` does.",
    )
