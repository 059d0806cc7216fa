"""Rules follow what people have said: after each decision those of the marks on that content are made again.

A mark for which people gave one name, in whatever spelling, means that name; the newest spelling counts. One that was
seen with several names is too broad: no rule is made, and one that was is switched off with the reason. To confirm what
was read, by booking it, says that this printed name is right, and no more: it makes a rule for that name alone. A rule
that a person switched stays as it was set, and one that they made by hand as it was made. Made from what is there, in
whatever order that came, so that learning twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, delete, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.folding import squeeze
from flows.learning import MERCHANT, Identity, are_variants
from flows.ledger.rules.marks import keep_merchant_mark, marks_of
from flows.ledger.schema import Content, ContentIdentity, CorrectionRow, Expense, RuleKind, RuleRow

_PRINTED_NAME = "name"
_LOOKED_AT = 200  # the newest corrections of a mark: older ones are not asked any more
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class Said(NamedTuple):
    """What a person said of one content; `corrects` that something else had been read."""

    value: str
    corrects: bool
    content_id: UUID
    actor: str
    at: dt.datetime


def learn(content: Content, *, session: Session) -> None:
    """Make the rules of the marks on a content again, after a person has decided on it."""
    lock_rules(content.owner, session=session)
    keep_merchant_mark(content, _merchant_of(content, session=session), session=session)
    marks = marks_of(content, session=session)
    for kind in RuleKind:
        made = _of_rules(content, kind, session=session)
        for mark in sorted({*(mark for mark in marks if _tells(kind, mark)), *made}):  # in one order for all
            _write(content.owner, kind, mark, _said(content.owner, kind, mark, session=session), session=session)


def forget_content(content: Content, *, session: Session) -> None:
    """Before a content is deleted: rules that were made from it are made from another one, or go with it."""
    lock_rules(content.owner, session=session)
    for kind in RuleKind:
        for mark in _of_rules(content, kind, session=session):
            said = _said(content.owner, kind, mark, session=session)
            others = [one for one in said if one.content_id != content.id]
            _write(content.owner, kind, mark, others, session=session)


def lock_rules(owner: str, *, session: Session) -> None:
    """Let nobody else make rules of this owner until the transaction ends."""
    session.execute(_LOCK, {"name": f"receiptflow:rules:{owner}"})


def _merchant_of(content: Content, *, session: Session) -> str:
    merchant = session.exec(select(Expense.merchant).where(Expense.content_id == content.id, Expense.part == 0)).first()
    return squeeze(merchant or "")


def _tells(kind: RuleKind, mark: Identity) -> bool:
    """A category follows from who the merchant is, whose name follows from what is printed."""
    return (mark.kind == MERCHANT) == (kind is RuleKind.CATEGORY)


def _of_rules(content: Content, kind: RuleKind, *, session: Session) -> list[Identity]:
    query = select(RuleRow.identity_kind, RuleRow.identity_value).where(
        RuleRow.content_id == content.id, RuleRow.kind == kind
    )
    return [Identity(*row) for row in session.exec(query)]


def _said(owner: str, kind: RuleKind, mark: Identity, *, session: Session) -> list[Said]:
    """What counts of the corrections of contents with a mark, the newest first: of receipts that are one expense, as
    several on one picture share its marks and tell nothing.
    """
    marked = select(ContentIdentity.content_id).where(
        ContentIdentity.owner == owner, ContentIdentity.kind == mark.kind, ContentIdentity.value == mark.value
    )
    newest = (
        select(CorrectionRow)
        .distinct(col(CorrectionRow.content_id))
        .join(Content, and_(col(Content.id) == col(CorrectionRow.content_id), col(Content.parts) == 1))
        .where(CorrectionRow.field == kind.value, CorrectionRow.part == 0, col(CorrectionRow.content_id).in_(marked))
        .order_by(col(CorrectionRow.content_id), col(CorrectionRow.id).desc())
    )
    rows = [row for row in session.exec(newest) if not row.taken_back and isinstance(row.value, str)]
    rows = sorted(rows, key=lambda row: row.id, reverse=True)[:_LOOKED_AT]
    return [Said(row.value, row.value != row.machine, row.content_id, row.actor, row.at) for row in rows]


def _write(owner: str, kind: RuleKind, mark: Identity, said: Sequence[Said], *, session: Session) -> None:
    """The rule of one mark as it follows from what was said."""
    named = {"owner": owner, "kind": kind, "identity_kind": mark.kind, "identity_value": mark.value}
    same = and_(*(getattr(RuleRow, name) == value for name, value in named.items()))
    if session.exec(select(RuleRow.id).where(same, col(RuleRow.content_id).is_(None))).first() is not None:
        return  # made by hand: only a hand changes it
    if not any(one.corrects or mark.kind == _PRINTED_NAME for one in said):
        session.execute(delete(RuleRow).where(same))
        return
    newest = said[0]
    made = {"content_id": newest.content_id, "made_by": newest.actor, "made_at": newest.at, "updated_at": func.now()}
    broad = _why_too_broad(kind, said)
    if broad:
        known = update(RuleRow).where(same)
        session.execute(known.values(content_id=newest.content_id))
        off = {"disabled": True, "disabled_reason": broad, "updated_at": func.now()}
        session.execute(known.where(col(RuleRow.set_by).is_(None), ~col(RuleRow.disabled)).values(**off))
        return
    values = {"result": newest.value, **made}
    session.execute(
        insert(RuleRow)
        .values(**named, **values)
        .on_conflict_do_update(index_elements=list(named), set_=values | _switched_on())
    )


def _switched_on() -> dict[str, Any]:
    """A rule that was too broad and is not any more; what a person has set stays."""
    by_person = col(RuleRow.set_by).is_not(None)
    return {
        "disabled": and_(by_person, col(RuleRow.disabled)),
        "disabled_reason": case((by_person, col(RuleRow.disabled_reason)), else_=None),
    }


def _why_too_broad(kind: RuleKind, said: Sequence[Said]) -> str | None:
    """None where all said the same: of a name in whatever spelling, of a category exactly."""
    newest = said[0].value
    is_same = are_variants if kind is RuleKind.MERCHANT else lambda one, other: squeeze(one) == squeeze(other)
    others = sorted({one.value for one in said if not is_same(newest, one.value)})
    return f"seen with several: {', '.join([newest, *others][:4])}" if others else None
