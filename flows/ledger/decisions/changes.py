"""What became of a content after a person had looked at it, in words."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Session, col, select

from flows.ledger.schema import Content, CorrectionRow, DecisionRow, Receipt

_SHOWN = 20


def changes_since(seen: dt.datetime, content: Content, receipt: Receipt, *, session: Session) -> list[str]:
    """What people decided on a content since a moment, the first at the front, then the receipt's state."""
    since = (CorrectionRow.content_id == content.id, col(CorrectionRow.at) > seen)
    corrected = session.exec(select(CorrectionRow).where(*since).order_by(col(CorrectionRow.id)).limit(_SHOWN))
    decided = select(DecisionRow).where(DecisionRow.content_id == content.id, col(DecisionRow.at) > seen)
    words = [f"{one.actor}: {one.kind.value}" for one in session.exec(decided.order_by(col(DecisionRow.id)))]
    words += [_correction(one) for one in corrected if one.before != one.value]
    return [*words, f"it is {receipt.state.value} now"]


def changes_of_part(content: Content, part: int, *, session: Session) -> list[str]:
    """The last corrections of one part, the newest at the front."""
    query = select(CorrectionRow).where(CorrectionRow.content_id == content.id, CorrectionRow.part == part)
    rows = session.exec(query.order_by(col(CorrectionRow.id).desc()).limit(_SHOWN))
    return [_correction(row) for row in rows if row.before != row.value]


def _correction(row: CorrectionRow) -> str:
    after = "as it was read" if row.taken_back else _short(row.value)
    return f"{row.field}: {_short(row.before)} → {after} by {row.actor}"


def _short(value: object) -> str:
    return "nothing" if value is None else str(value)[:60]
