"""Which receipts are further pages of a receipt."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from flows.ledger.locking import as_value
from flows.ledger.schema import JOINED, Content, Receipt
from flows.ledger.views import ReceiptView


def pages_of(receipt_id: UUID, *, session: Session) -> tuple[ReceiptView, ...]:
    """The receipts that are further pages of a receipt, in the order in which they were received."""
    query = select(Receipt).join(Content, col(Content.canonical_receipt_id) == col(Receipt.id))
    query = query.where(*joined_to(receipt_id)).order_by(col(Receipt.received_at), col(Receipt.id))
    return tuple(as_value(ReceiptView, row) for row in session.exec(query))


def joined_to(receipt_id: UUID) -> tuple[Any, Any]:
    """That a content is a page of this receipt."""
    return Content.settled_as == receipt_id, Content.settled_code == JOINED
