"""Several pictures of one receipt read as its pages: what they say together, for the decision that joins them.

Their words are there from the reading of each; nothing is read by OCR again. The first receipt's own reading stays the
machine's; what the pages say beyond it is given as the person's corrections, so that a later reading of one picture
does not undo it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import Session

from flows.domain.fields import DocumentText, Found, ReceiptFields
from flows.ledger.corrections import LINES, plain
from flows.ledger.decisions import Decision, Join, ReviewItem, review_item
from flows.ledger.errors import ReceiptNotFoundError
from flows.ledger.expenses import values_of
from flows.reading.parser import latest_day, parse_receipt
from flows.storage import Results

_FIELDS = (
    *("merchant", "purchase_date", "purchase_time", "receipt_number", "currency", "country"),
    *("total", "subtotal", "tax", "tip", "rounding"),
)


def read_together(
    receipt_id: UUID, decision: Decision, results: Results, *, session: Session, owner: str | None = None
) -> Decision:
    """The decision with what its pages say together, where it joins some; what the person gives goes before that.

    Args:
        receipt_id: The receipt that the pages are joined to.
        decision: Any; only a `Join` is changed.
        results: Where the words of readings lie.
        session: The transaction.
        owner: Only if all are theirs; what is not is refused by the decision itself.

    Raises:
        TransientError: Storage is away.
    """
    if not isinstance(decision, Join):
        return decision
    try:
        items = [review_item(one, session=session, owner=owner) for one in (receipt_id, *decision.pages)]
    except ReceiptNotFoundError:
        return decision
    return replace(decision, corrections=_said_together(items, results) | dict(decision.corrections))


def _said_together(items: Sequence[ReviewItem], results: Results) -> dict[str, object]:
    first = items[0]
    texts = [text for item in items if (text := _text_of(item, results)) is not None]
    if len(texts) < len(items):
        return {}  # a page that could not be read says nothing; the person sees it beside the others
    pages = [page for text in texts for page in text.pages]
    numbered = tuple(page.model_copy(update={"number": number}) for number, page in enumerate(pages, start=1))
    whole = texts[0].model_copy(update={"pages": numbered, "invoice": None})
    read = parse_receipt(whole, today=latest_day(first.receipt.received_at))
    return _beyond(first, read)


def _text_of(item: ReviewItem, results: Results) -> DocumentText | None:
    kept = results.get(item.words_key) if item.words_key else None
    try:
        return DocumentText.model_validate_json(kept) if kept else None
    except ValidationError:  # of an older release
        return None


def _beyond(first: ReviewItem, read: ReceiptFields) -> dict[str, object]:
    """What the pages together say surer than, or beyond, the first one."""
    values, known = values_of(read), {one.name: one for one in first.fields}
    said: dict[str, object] = {}
    for name in _FIELDS:
        found: Found[Any] | None = getattr(read, name)
        one = known.get(name)
        if found is None or (one and (one.correction or found.confidence < (one.confidence or 0))):
            continue
        value = plain(values.columns[name])
        if one is None or value != one.value:
            said[name] = value
    if len(values.line_items) > len(first.line_items) and not _has_corrected_lines(first):
        said[LINES] = plain(list(values.line_items))
    return said


def _has_corrected_lines(item: ReviewItem) -> bool:
    return any(one.field.startswith(LINES) for one in item.corrections)
