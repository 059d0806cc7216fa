"""Rules follow what people have said: after each decision those of the marks on that content are made again.

A mark for which people gave one name, in whatever spelling, means that name; the newest spelling counts. One that was
seen with several names is too broad: no rule is made, and one that was is switched off with the reason. To confirm what
was read, by booking it, says that this printed name is right, and no more: it makes a rule for that name alone. A rule
that a person switched stays as it was set, and one that they made by hand as it was made. Made from what is there, in
whatever order that came, so that learning twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, and_, case, cast, column, delete, func, or_, text, true, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Session, col, select

from flows.domain.folding import squeeze
from flows.learning import MERCHANT, Identity, are_variants
from flows.ledger.rules.marks import marks_about
from flows.ledger.schema import Content, ContentIdentity, CorrectionRow, Expense, RuleKind, RuleRow

_PRINTED_NAME = "name"
_LOOKED_AT = 200  # the newest corrections of a mark: older ones are not asked any more
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class Mark(NamedTuple):
    """A mark of a merchant, and what a rule says of whoever has it."""

    kind: RuleKind
    identity: Identity


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
    identities = marks_about(content, _merchant_of(content, session=session), session=session)
    marks = [Mark(kind, identity) for kind in RuleKind for identity in identities if _tells(kind, identity)]
    rules = _rules(content, marks, session=session)
    said = _said(content.owner, {*marks, *rules}, session=session)
    _write(content.owner, rules, said, session=session)


def forget_content(content: Content, *, session: Session) -> None:
    """Before a content is deleted: rules that were made from it are made from another one, or go with it."""
    lock_rules(content.owner, session=session)
    rules = _rules(content, (), session=session)
    said = _said(content.owner, set(rules), session=session)
    others = {mark: [one for one in of_it if one.content_id != content.id] for mark, of_it in said.items()}
    _write(content.owner, rules, others, session=session)


def lock_rules(owner: str, *, session: Session) -> None:
    """Let nobody else make rules of this owner until the transaction ends."""
    session.execute(_LOCK, {"name": f"receiptflow:rules:{owner}"})


def _merchant_of(content: Content, *, session: Session) -> str:
    merchant = session.exec(select(Expense.merchant).where(Expense.content_id == content.id, Expense.part == 0)).first()
    return squeeze(merchant or "")


def _tells(kind: RuleKind, identity: Identity) -> bool:
    """A category follows from who the merchant is, whose name follows from what is printed."""
    return (identity.kind == MERCHANT) == (kind is RuleKind.CATEGORY)


def _rules(content: Content, marks: Sequence[Mark], *, session: Session) -> dict[Mark, bool]:
    """The rules of these marks, and those that were made from this content; whether each was made by hand."""
    columns = _mark_columns()
    wanted = or_(
        col(RuleRow.content_id) == content.id, tuple_(*columns).in_([(one.kind, *one.identity) for one in marks])
    )
    columns.append(col(RuleRow.content_id).is_(None))
    query = select(*columns).where(RuleRow.owner == content.owner, wanted)
    return {Mark(kind, Identity(*identity)): by_hand for kind, *identity, by_hand in session.execute(query)}


def _said(owner: str, marks: Collection[Mark], *, session: Session) -> dict[Mark, list[Said]]:
    """What counts of the corrections of contents with each mark, the newest first: of receipts that are one expense, as
    several on one picture share its marks and tell nothing.
    """
    said: dict[Mark, list[Said]] = {mark: [] for mark in sorted(marks)}  # in one order for all
    if not said:
        return said
    lists = zip(*((mark.kind.value, *mark.identity) for mark in said), strict=True)
    names = (column(name, Text) for name in ("field", "kind", "value"))
    asked = (
        func.unnest(*(cast(list(one), ARRAY(Text)) for one in lists))
        .table_valued(*names, name="asked")
        .render_derived()
    )
    counts = _newest_counting(owner, asked.c)
    query = select(*asked.c, *counts.c).select_from(asked.join(counts, true())).order_by(counts.c.id.desc())
    for field, kind, value, *row in session.execute(query):
        _, result, machine, content_id, actor, at = row
        one = Said(result, result != machine, content_id, actor, at)
        said[Mark(RuleKind(field), Identity(kind, value))].append(one)
    return said


def _newest_counting(owner: str, mark: Any) -> Any:
    """The newest corrections of one field of contents with a mark, as far as they count and say something."""
    names = ("id", "value", "machine", "content_id", "actor", "at", "taken_back")
    columns: list[Any] = [getattr(CorrectionRow, name) for name in names]
    newest = (
        select(*columns)
        .distinct(col(CorrectionRow.content_id))
        .join(ContentIdentity, col(ContentIdentity.content_id) == col(CorrectionRow.content_id))
        .join(Content, and_(col(Content.id) == col(CorrectionRow.content_id), col(Content.parts) == 1))
        .where(
            *(ContentIdentity.owner == owner, ContentIdentity.kind == mark.kind, ContentIdentity.value == mark.value),
            *(CorrectionRow.field == mark.field, CorrectionRow.part == 0),
        )
        .order_by(col(CorrectionRow.content_id), col(CorrectionRow.id).desc())
        .correlate(mark.kind.table)
        .subquery()
    )
    shown = [column for column in newest.c if column.name != "taken_back"]
    counting = select(*shown).where(~newest.c.taken_back, func.jsonb_typeof(newest.c.value) == "string")
    return counting.order_by(newest.c.id.desc()).limit(_LOOKED_AT).lateral("counting")


def _write(owner: str, rules: Mapping[Mark, bool], said: Mapping[Mark, Sequence[Said]], *, session: Session) -> None:
    """The rules of marks as they follow from what was said; one that was made by hand only a hand changes."""
    made, gone = [], []
    for mark, of_it in said.items():
        if rules.get(mark):
            continue
        if not any(one.corrects or mark.identity.kind == _PRINTED_NAME for one in of_it):
            gone.append(mark)
        elif broad := _why_too_broad(mark.kind, of_it):
            _switch_off(owner, mark, of_it[0], broad, session=session)
        else:
            made.append(_row(owner, mark, of_it[0]))
    if unfounded := [mark for mark in gone if mark in rules]:
        session.execute(delete(RuleRow).where(_is_of(owner, unfounded)))
    if made:
        query = insert(RuleRow).values(made)
        new = {name: query.excluded[name] for name in ("result", "content_id", "made_by", "made_at", "updated_at")}
        identity = ["owner", "kind", "identity_kind", "identity_value"]
        session.execute(query.on_conflict_do_update(index_elements=identity, set_=new | _switched_on()))


def _row(owner: str, mark: Mark, newest: Said) -> dict[str, Any]:
    return {
        "owner": owner,
        "kind": mark.kind,
        "identity_kind": mark.identity.kind,
        "identity_value": mark.identity.value,
        "result": newest.value,
        "content_id": newest.content_id,
        "made_by": newest.actor,
        "made_at": newest.at,
        "updated_at": func.now(),
    }


def _switch_off(owner: str, mark: Mark, newest: Said, reason: str, *, session: Session) -> None:
    known = update(RuleRow).where(_is_of(owner, [mark]))
    session.execute(known.values(content_id=newest.content_id))
    off = {"disabled": True, "disabled_reason": reason, "updated_at": func.now()}
    session.execute(known.where(col(RuleRow.set_by).is_(None), ~col(RuleRow.disabled)).values(**off))


def _is_of(owner: str, marks: Sequence[Mark]) -> Any:
    named = [(mark.kind, *mark.identity) for mark in marks]
    return and_(col(RuleRow.owner) == owner, tuple_(*_mark_columns()).in_(named))


def _mark_columns() -> list[Any]:
    return [col(RuleRow.kind), col(RuleRow.identity_kind), col(RuleRow.identity_value)]


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
