"""An expense's rows: made of the fields that were read, replaced as a whole, never half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from flows.domain.fields import Found, LineItem, ReceiptFields, Tax
from flows.ledger.locking import clean
from flows.ledger.schema import Expense, ExpenseLine, ExpenseTax, Receipt
from flows.ledger.values import Recorded

_SAME_NAME = (
    *("merchant", "purchase_date", "purchase_time", "receipt_number", "currency", "country"),
    *("total", "subtotal", "tax", "tip", "rounding"),
)


def post(receipt: Receipt, extraction_id: UUID, fields: ReceiptFields, *, session: Session) -> Recorded:
    """Write the expense of the receipt's content, its lines and its taxes, in place of what was there."""
    values = _columns(fields) | {"receipt_id": receipt.id, "owner": receipt.owner, "extraction_id": extraction_id}
    query = insert(Expense).values(content_id=receipt.content_id, **values)
    query = query.on_conflict_do_update(
        index_elements=["content_id"],
        set_=values | {"revision": col(Expense.revision) + 1, "updated_at": func.now()},
    )
    posted = session.execute(query.returning(col(Expense.id), col(Expense.revision))).one()
    _replace_lines(posted.id, fields.line_items, session=session)
    _replace_taxes(posted.id, fields.taxes, session=session)
    return Recorded(posted.id, created=posted.revision == 0)


def void(receipt: Receipt, *, session: Session) -> None:
    """Remove the receipt's expense with its lines, if there is one. What was read stays in its extraction."""
    session.execute(delete(Expense).where(col(Expense.receipt_id) == receipt.id))


def _columns(fields: ReceiptFields) -> dict[str, Any]:
    columns = {name: clean(_value(getattr(fields, name))) for name in _SAME_NAME}
    return columns | {"payment_method": clean(fields.payments[0].value.method) if fields.payments else None}


def _value(found: Found[Any] | None) -> Any:
    return None if found is None else found.value


def _replace_lines(expense_id: UUID, items: Sequence[Found[LineItem]], *, session: Session) -> None:
    session.execute(delete(ExpenseLine).where(col(ExpenseLine.expense_id) == expense_id))
    rows = [
        {"expense_id": expense_id, "position": position, **clean(item.value.model_dump())}
        for position, item in enumerate(items, start=1)
    ]
    if rows:
        session.execute(insert(ExpenseLine), rows)


def _replace_taxes(expense_id: UUID, taxes: Sequence[Found[Tax]], *, session: Session) -> None:
    session.execute(delete(ExpenseTax).where(col(ExpenseTax.expense_id) == expense_id))
    rows = [
        {"expense_id": expense_id, "position": position, **tax.value.model_dump()}
        for position, tax in enumerate(taxes, start=1)
    ]
    if rows:
        session.execute(insert(ExpenseTax), rows)
