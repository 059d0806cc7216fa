"""One receipt as a person has to see it to decide: its fields, where they stood, what else they may be, who said so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from flows.domain.fields import Check, ReceiptFields
from flows.ledger.corrections import FIELDS, TABLES, Standing, overlaid, plain, standing_of, value_of
from flows.ledger.decisions.pages import pages_of
from flows.ledger.expenses import ExpenseValues, values_of
from flows.ledger.locking import as_value
from flows.ledger.receipts import get_receipt, read_values
from flows.ledger.schema import Content, CorrectionRow, Expense, ExtractionRow
from flows.ledger.views import ExpenseView, ReceiptView


@dataclass(frozen=True, slots=True)
class CorrectionView:
    """What a person set a field to. `machine` is what had been read then."""

    id: int
    part: int
    field: str
    value: Any
    before: Any
    machine: Any
    actor: str
    via: str
    person_id: UUID | None
    reason: str | None
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field as JSON: what counts, what was read and where.

    Boxes are pixels of the upright page. `differs` says that the machine reads otherwise than a person corrected, `why`
    which rule chose what the machine says.
    """

    name: str
    value: Any
    machine: Any
    confidence: float | None
    page: int | None
    bbox: tuple[float, float, float, float] | None
    evidence: str
    candidates: tuple[dict[str, Any], ...]
    correction: CorrectionView | None
    differs: bool
    why: str | None


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One receipt to decide on. `updated_at` of the receipt is what a decision's `seen` takes."""

    receipt: ReceiptView
    reasons: tuple[str, ...]
    fields: tuple[FieldView, ...]
    line_items: tuple[dict[str, Any], ...]
    taxes: tuple[dict[str, Any], ...]
    checks: tuple[Check, ...]
    read: ReceiptFields | None
    words_key: str | None
    expenses: tuple[ExpenseView, ...]
    corrections: tuple[CorrectionView, ...]
    same_purchase: ReceiptView | None
    pages: tuple[ReceiptView, ...]
    parts: int
    settled: str | None


def review_item(receipt_id: UUID, *, session: Session, owner: str | None = None) -> ReviewItem:
    """A receipt in whatever state, with everything that a person needs to decide on it.

    A duplicate shows its content. A receipt of which nothing was read yet has no fields.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
    """
    receipt = get_receipt(receipt_id, session=session, owner=owner)
    content = session.get(Content, receipt.content_id, populate_existing=True) if receipt.content_id else None
    reading = _newest(content, session=session) if content else None
    standing = standing_of(content.id, session=session) if content else Standing()
    read = ReceiptFields.model_validate(reading.fields) if reading else None
    values = read_values(content, read) if content and read else None
    shown = overlaid(values, standing.values(0)) if values else None
    return ReviewItem(
        receipt=receipt,
        reasons=tuple((read.reasons if read else ()) or filter(None, [receipt.reason])),
        fields=_fields(read, shown, standing),
        line_items=tuple(plain(shown.line_items)) if shown else (),
        taxes=tuple(plain(shown.taxes)) if shown else (),
        checks=read.checks if read else (),
        read=read,
        words_key=reading.words_key or None if reading else None,
        expenses=_expenses(content, session=session) if content else (),
        corrections=tuple(_view(row) for row in standing.rows.values()),
        same_purchase=_same_purchase(receipt, owner, session=session),
        pages=pages_of(receipt.id, session=session),
        parts=content.parts if content else 1,
        settled=content.settled if content else None,
    )


def _newest(content: Content, *, session: Session) -> ExtractionRow | None:
    query = select(ExtractionRow).where(ExtractionRow.content_id == content.id)
    return session.exec(query.order_by(col(ExtractionRow.created_at).desc()).limit(1)).one_or_none()


def _fields(read: ReceiptFields | None, shown: ExpenseValues | None, standing: Standing) -> tuple[FieldView, ...]:
    if read is None or shown is None:
        return ()
    machine, whole = values_of(read), read.model_dump(mode="json")
    names = [name for name in FIELDS if name not in TABLES]
    return tuple(_field(name, machine, shown, standing.rows.get((0, name)), whole) for name in names)


def _field(
    name: str,
    machine: ExpenseValues,
    shown: ExpenseValues,
    row: CorrectionRow | None,
    whole: Mapping[str, Any],
) -> FieldView:
    found = _found(name, whole)
    value, was_read = plain(value_of(shown, name)), plain(value_of(machine, name))
    return FieldView(
        name=name,
        value=value,
        machine=was_read,
        confidence=found.get("confidence"),
        page=found.get("page"),
        bbox=tuple(found["bbox"]) if found.get("bbox") else None,
        evidence=found.get("evidence", ""),
        candidates=tuple(whole.get("candidates", {}).get(name, ())),
        correction=_view(row) if row else None,
        differs=row is not None and was_read not in (value, row.machine),  # tags are lists
        why=next((choice["why"] for choice in whole.get("choices", ()) if choice["field"] == name), None),
    )


def _found(name: str, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    if name == "payment_method":
        return next(iter(whole.get("payments") or ()), None) or {}
    return whole.get(name) or {}


def _expenses(content: Content, *, session: Session) -> tuple[ExpenseView, ...]:
    """The expenses of a content, also those that were voided."""
    query = select(Expense).where(Expense.content_id == content.id).order_by(col(Expense.part))
    return tuple(as_value(ExpenseView, row) for row in session.exec(query))


def _same_purchase(receipt: ReceiptView, owner: str | None, *, session: Session) -> ReceiptView | None:
    other = receipt.same_purchase_as
    return get_receipt(other, session=session, owner=owner) if other else None


def _view(row: CorrectionRow) -> CorrectionView:
    return as_value(CorrectionView, row)
