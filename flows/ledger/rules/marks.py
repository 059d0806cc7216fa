"""The marks of merchants on each content, and which rules a reading has used: written with the reading."""

from __future__ import annotations

from sqlalchemy import delete, literal
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.fields import ReceiptFields
from flows.learning import MERCHANT, Identity, identities_of
from flows.ledger.locking import clean
from flows.ledger.schema import Content, ContentIdentity, ContentText, ExtractionRow, RuleRow, RuleUse

_LONGEST = 200  # characters of a mark: an index's entry has to hold it


def keep_marks(content: Content, fields: ReceiptFields, text: str, *, session: Session) -> None:
    """Write the marks of a reading, and the rules that it has used, in place of those of an earlier one."""
    mine = delete(ContentIdentity).where(col(ContentIdentity.content_id) == content.id)
    session.execute(mine.where(col(ContentIdentity.kind) != MERCHANT))
    _insert(content, identities_of(as_read(fields), text), session=session)
    session.execute(delete(RuleUse).where(col(RuleUse.content_id) == content.id))
    used = sorted({choice.rule for choice in fields.choices})
    if used:  # those that were not taken away since
        there = select(RuleRow.id, literal(content.id)).where(col(RuleRow.id).in_(used))
        session.execute(insert(RuleUse).from_select(["rule_id", "content_id"], there.with_for_update(key_share=True)))


def keep_merchant_mark(content: Content, name: str, *, session: Session) -> None:
    """Write which merchant, its name folded, a person's word about a content is about; empty for none."""
    mine = delete(ContentIdentity).where(col(ContentIdentity.content_id) == content.id)
    session.execute(mine.where(col(ContentIdentity.kind) == MERCHANT))
    if name:
        _insert(content, (Identity(MERCHANT, name),), session=session)


def marks_of(content: Content, *, session: Session) -> list[Identity]:
    """The marks of a content; found anew where it was read by a release that kept none."""
    query = select(ContentIdentity.kind, ContentIdentity.value).where(ContentIdentity.content_id == content.id)
    kept = [Identity(*row) for row in session.exec(query.order_by(col(ContentIdentity.kind)))]
    if any(mark.kind != MERCHANT for mark in kept):
        return kept
    return kept + _found_anew(content, session=session)


def as_read(fields: ReceiptFields) -> ReceiptFields:
    """The reading with the merchant's name as it was printed, whatever a rule chose."""
    chosen = next((choice for choice in fields.choices if choice.field == "merchant"), None)
    if chosen is None or fields.merchant is None:
        return fields
    read = fields.merchant.model_copy(update={"value": chosen.machine}) if chosen.machine else None
    return fields.model_copy(update={"merchant": read})


def _found_anew(content: Content, *, session: Session) -> list[Identity]:
    newest = select(ExtractionRow.fields).where(ExtractionRow.content_id == content.id)
    fields = session.exec(newest.order_by(col(ExtractionRow.created_at).desc()).limit(1)).one_or_none()
    if fields is None:
        return []
    text = session.exec(select(ContentText.text).where(ContentText.content_id == content.id)).one_or_none() or ""
    found = identities_of(as_read(ReceiptFields.model_validate(fields)), text)
    _insert(content, found, session=session)
    return list(found)


def _insert(content: Content, found: tuple[Identity, ...], *, session: Session) -> None:
    rows = [
        {"content_id": content.id, "owner": content.owner, "kind": one.kind, "value": clean(one.value[:_LONGEST])}
        for one in found
    ]
    if rows:
        session.execute(insert(ContentIdentity).values(rows).on_conflict_do_nothing())
